// SPDX-License-Identifier: Apache-2.0
// A checkpoint of any content: damaged, or it says the same when it is written and read again.
// First byte: a file as it is, or a header and state to which preamble and checksum are added (two
// bytes of header length).
#include <cstring>

#include <zlib.h>

#include "tests/fuzz/fuzz.h"
#include "trainer/checkpoint.h"

namespace {

using namespace ddl;

std::string Wrapped(std::string_view rest) {
  const std::size_t low = TakeByte(rest);
  const std::size_t length = low + std::size_t{TakeByte(rest)} * 256;
  const std::uint32_t numbers[2] = {1, static_cast<std::uint32_t>(length)};
  std::string file("ddl ckpt");
  file.append(reinterpret_cast<const char*>(numbers), sizeof numbers).append(rest);
  const auto crc = static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(file.data()), file.size()));
  return file.append(reinterpret_cast<const char*>(&crc), sizeof crc);
}

bool SameClock(const TrainingClock& a, const TrainingClock& b) {
  return a.epoch == b.epoch && a.step_in_epoch == b.step_in_epoch && a.iteration == b.iteration &&
         a.loss_sum == b.loss_sum && a.correct == b.correct && a.rows == b.rows &&
         a.seconds == b.seconds && a.best_accuracy == b.best_accuracy && a.progress == b.progress;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const MemoryFile file;
  static const MemoryFolder folder;
  std::string_view rest = AsText(bytes, size);
  const std::string content = (TakeByte(rest) & 1U) != 0 ? Wrapped(rest) : std::string(rest);
  file.Set(content);
  const auto read = ReadCheckpoint(file.Path());
  const auto* checkpoint = std::get_if<Checkpoint>(&read);
  if (checkpoint == nullptr) return 0;
  const std::string path = folder.Path() + "/again";
  WriteCheckpoint(path, checkpoint->header, checkpoint->state);
  const auto second = ReadCheckpoint(path);
  const auto* again = std::get_if<Checkpoint>(&second);
  Promise(again != nullptr, "what is written can be read");
  Promise(again->header.training == checkpoint->header.training &&
              again->header.arithmetic == checkpoint->header.arithmetic &&
              SameClock(again->header.clock, checkpoint->header.clock),
          "a header reads back to the same");
  Promise(again->state.size() == checkpoint->state.size() &&
              (again->state.empty() || std::memcmp(again->state.data(), checkpoint->state.data(),
                                                   again->state.size() * sizeof(float)) == 0),
          "a state reads back to the same bits");
  return 0;
}
