// SPDX-License-Identifier: Apache-2.0
// A checkpoint of any content: damaged, or it says the same when it is written and read again.
// First byte: a file as it is, or a header and state to which preamble and checksum are added (two
// bytes of header length).
#include <cstring>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/sealed.h"
#include "trainer/checkpoint.h"

namespace {

using namespace ddl;

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
  const std::string content =
      (TakeByte(rest) & 1U) != 0 ? Sealed("ddl ckpt", rest) : std::string(rest);
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
