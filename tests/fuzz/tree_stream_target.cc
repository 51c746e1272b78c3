// SPDX-License-Identifier: Apache-2.0
// Any bytes of a host that sends folders, or lists those of a store. The first byte says in which
// pieces they come: that changes nothing. Nothing is written outside of the folder, and an end is
// believed only where all files have come.
#include <filesystem>

#include "runner/file.h"
#include "runner/store_folders.h"
#include "runner/tree_receiver.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace ddl;

struct Received {
  bool is_whole = false;
  std::string problem;
  std::int64_t files = 0;
  std::int64_t bytes = 0;
  bool operator==(const Received&) const = default;
};

// What stands beside the folder stays as it is.
Received TakeInPieces(const std::string& around, std::string_view stream, std::size_t piece) {
  RemoveTree(around + "/in");
  Promise(EnsureFolder(around + "/in"), "a folder can be made in memory");
  TreeReceiver receiver(around + "/in", around + "/note");
  (void)receiver.Had();
  while (!stream.empty() && receiver.Take(TakePiece(stream, piece))) {
  }
  const TreeCounts& counts = receiver.Counts();
  Promise(counts.came <= static_cast<std::int64_t>(1) << 40U, "what came was counted");
  return {receiver.IsWhole() && receiver.Problem().empty(), receiver.Problem(), counts.files,
          counts.bytes};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view stream = AsText(bytes, size);
  const std::size_t piece = 1 + TakeByte(stream) % 32U;
  const std::string line(stream.substr(0, stream.find('\n')));
  if (const auto head = ParseTreeHead(line))
    Promise(ParseTreeHead(TreeHeadLine(*head).substr(0, TreeHeadLine(*head).size() - 1)) == head,
            "a head is written as a line that reads to the same");
  if (const auto folder = ParseFolderLine(line))
    Promise(ParseFolderLine(FolderLine(*folder)) == folder,
            "a folder is written as a line that reads to the same");
  static const MemoryFolder around;
  const Received whole = TakeInPieces(around.Path(), stream, stream.size() + 1);
  Promise(whole == TakeInPieces(around.Path(), stream, piece), "pieces change nothing");
  for (const std::string& name : ListFolder(around.Path()))
    Promise(name == "in" || name == "note", "nothing is written outside of the folder");
  return 0;
}
