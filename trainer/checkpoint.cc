// SPDX-License-Identifier: Apache-2.0
#include "trainer/checkpoint.h"

#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>

#include <fmt/format.h>
#include <zlib.h>

#include "configs/error.h"
#include "configs/json.h"
#include "trainer/durable_file.h"

namespace ddl {

namespace {

constexpr std::string_view kMagic = "ddl ckpt";
constexpr std::uint32_t kFormatVersion = 1;
constexpr std::size_t kPreamble = kMagic.size() + 2 * sizeof(std::uint32_t);
constexpr std::size_t kCrc = sizeof(std::uint32_t);

void Append(std::string& bytes, const void* from, std::size_t count) {
  bytes.append(static_cast<const char*>(from), count);
}

void AppendNumber(std::string& bytes, std::uint32_t number) {
  Append(bytes, &number, sizeof number);
}

std::uint32_t NumberAt(std::string_view bytes, std::size_t offset) {
  std::uint32_t number = 0;
  std::memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}

std::uint32_t Checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

Json ToJson(const CheckpointHeader& header) {
  const TrainingClock& clock = header.clock;
  Json json{{"training", header.training},  {"arithmetic", header.arithmetic},
            {"epoch", clock.epoch},         {"step_in_epoch", clock.step_in_epoch},
            {"iteration", clock.iteration}, {"loss_sum", clock.loss_sum},
            {"correct", clock.correct},     {"rows", clock.rows},
            {"seconds", clock.seconds},     {"best_accuracy", clock.best_accuracy},
            {"stale", clock.progress.stale}};
  if (clock.progress.best) json["watched"] = *clock.progress.best;
  return json;
}

CheckpointHeader FromJson(const Json& json) {
  CheckpointHeader header;
  json.at("training").get_to(header.training);
  json.at("arithmetic").get_to(header.arithmetic);
  TrainingClock& clock = header.clock;
  const auto count = [&json](const char* key) { return WholeNumber<std::uint64_t>(json.at(key)); };
  clock.epoch = count("epoch");
  clock.step_in_epoch = count("step_in_epoch");
  clock.iteration = count("iteration");
  json.at("loss_sum").get_to(clock.loss_sum);
  clock.correct = count("correct");
  clock.rows = count("rows");
  json.at("seconds").get_to(clock.seconds);
  json.at("best_accuracy").get_to(clock.best_accuracy);
  if (json.contains("stale")) clock.progress.stale = count("stale");  // not in the first files
  if (json.contains("watched")) clock.progress.best = json.at("watched").get<double>();
  return header;
}

// The text of the header, or "" with the reason in `why`.
std::string_view HeaderJson(std::string_view bytes, std::string& why) {
  if (bytes.size() < kPreamble + kCrc || !bytes.starts_with(kMagic)) {
    why = "not a checkpoint, or cut short";
    return {};
  }
  if (NumberAt(bytes, kMagic.size()) != kFormatVersion) {
    why = fmt::format("format version {}, not {}", NumberAt(bytes, kMagic.size()), kFormatVersion);
    return {};
  }
  if (Checksum(bytes.substr(0, bytes.size() - kCrc)) != NumberAt(bytes, bytes.size() - kCrc)) {
    why = "the checksum is wrong";
    return {};
  }
  const std::size_t length = NumberAt(bytes, kMagic.size() + sizeof(std::uint32_t));
  if (length > bytes.size() - kPreamble - kCrc) {
    why = "the header is longer than the file";
    return {};
  }
  return bytes.substr(kPreamble, length);
}

}  // namespace

void WriteCheckpoint(const std::filesystem::path& path, const CheckpointHeader& header,
                     std::span<const float> state) {
  const std::string json = DumpJson(ToJson(header));
  std::string bytes(kMagic);
  bytes.reserve(kPreamble + json.size() + state.size_bytes() + kCrc);
  AppendNumber(bytes, kFormatVersion);
  AppendNumber(bytes, static_cast<std::uint32_t>(json.size()));
  bytes += json;
  Append(bytes, state.data(), state.size_bytes());
  AppendNumber(bytes, Checksum(bytes));
  WriteDurably(path, bytes);
}

std::variant<Checkpoint, DamagedCheckpoint> ReadCheckpoint(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return DamagedCheckpoint{"it cannot be opened"};
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::string why;
  const std::string_view text = HeaderJson(bytes, why);
  if (!why.empty()) return DamagedCheckpoint{why};
  Checkpoint checkpoint;
  try {
    checkpoint.header = FromJson(ParseJson(text, path.string()));
  } catch (const std::exception& error) {  // a well-formed file of a foreign writer
    return DamagedCheckpoint{fmt::format("its header cannot be read: {}", error.what())};
  }
  const std::size_t start = kPreamble + text.size();
  const std::size_t state_bytes = bytes.size() - start - kCrc;
  if (state_bytes % sizeof(float) != 0) return DamagedCheckpoint{"its state is no list of floats"};
  checkpoint.state.resize(state_bytes / sizeof(float));
  if (state_bytes > 0) std::memcpy(checkpoint.state.data(), bytes.data() + start, state_bytes);
  return checkpoint;
}

}  // namespace ddl
