// SPDX-License-Identifier: Apache-2.0
#include "trainer/checkpoint.h"

#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "configs/json.h"
#include "trainer/durable_file.h"
#include "trainer/sealed_file.h"

namespace ddl {

namespace {

constexpr SealKind kCheckpointSeal{.magic = "ddl ckpt", .version = 1, .what = "checkpoint"};

// [name, offset in floats, rows, columns] of each; a row is padded to PaddedWidth(columns).
Json TensorsToJson(const std::vector<NamedTensor>& tensors) {
  Json json = Json::array();
  for (const auto& [name, tensor] : tensors) {
    json.push_back({name, tensor.offset, tensor.rows, tensor.cols});
  }
  return json;
}

std::vector<NamedTensor> TensorsFromJson(const Json& json) {
  std::vector<NamedTensor> tensors;
  for (const Json& entry : json) {
    const auto number = [&entry](std::size_t i) { return WholeNumber<std::uint32_t>(entry.at(i)); };
    tensors.push_back({.name = entry.at(0).get<std::string>(),
                       .tensor = {.offset = number(1), .rows = number(2), .cols = number(3)}});
  }
  return tensors;
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
  if (clock.best_loss) json["best_loss"] = *clock.best_loss;
  if (!header.tensors.empty()) json["tensors"] = TensorsToJson(header.tensors);
  if (!header.data.empty()) json["data"] = header.data;
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
  if (json.contains("best_loss")) clock.best_loss = json.at("best_loss").get<double>();
  if (json.contains("tensors")) header.tensors = TensorsFromJson(json.at("tensors"));
  if (json.contains("data")) json.at("data").get_to(header.data);
  return header;
}

}  // namespace

void WriteCheckpoint(const std::filesystem::path& path, const CheckpointHeader& header,
                     std::span<const float> state) {
  std::string bytes = BeginSealed(kCheckpointSeal, ToJson(header), state.size_bytes());
  AppendBytes(bytes, state.data(), state.size_bytes());
  Seal(bytes);
  WriteDurably(path, bytes);
}

std::variant<Checkpoint, DamagedCheckpoint> ReadCheckpoint(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return DamagedCheckpoint{"it cannot be opened"};
  std::ostringstream content;  // which ends where the disk does not give more, and throws nothing
  content << file.rdbuf();
  const std::string bytes = std::move(content).str();
  const auto opened = OpenSealed(kCheckpointSeal, bytes);
  if (const auto* broken = std::get_if<BrokenSeal>(&opened)) return DamagedCheckpoint{broken->why};
  const auto& [text, body] = std::get<SealedContent>(opened);
  Checkpoint checkpoint;
  try {
    checkpoint.header = FromJson(ParseJson(text, path.string()));
  } catch (const std::exception& error) {  // a well-formed file of a foreign writer
    return DamagedCheckpoint{fmt::format("its header cannot be read: {}", error.what())};
  }
  if (body.size() % sizeof(float) != 0) return DamagedCheckpoint{"its state is no list of floats"};
  checkpoint.state.resize(body.size() / sizeof(float));
  if (!body.empty()) std::memcpy(checkpoint.state.data(), body.data(), body.size());
  return checkpoint;
}

}  // namespace ddl
