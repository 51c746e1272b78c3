// SPDX-License-Identifier: Apache-2.0
// Puts folders of a host together from the stream of runner/tree_stream.h. What is there already of
// an earlier stream, also one that ended amid a file, is not asked for again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runner/file.h"
#include "runner/tree_stream.h"

namespace ddl {

struct TreeCounts {
  std::int64_t files = 0;
  std::int64_t bytes = 0;  // of all files
  std::int64_t came = 0;   // of them, this time
};

class TreeReceiver {
 public:
  // Into `folder`, which is there, ours alone, and filled by nobody else. `note_file`: beside it,
  // tells which large file is on its way. `names`: the folders that were asked for, all else is
  // refused; none: whatever comes is taken.
  TreeReceiver(std::string folder, std::string note_file, std::vector<std::string> names = {});

  // What to tell the sender first.
  [[nodiscard]] std::string Had();
  // The next bytes of the stream. False: see Problem().
  [[nodiscard]] bool Take(std::string_view bytes);
  // All has come. Not synced.
  [[nodiscard]] bool IsWhole() const { return is_whole_; }
  [[nodiscard]] const std::string& Problem() const { return problem_; }
  [[nodiscard]] const TreeCounts& Counts() const { return counts_; }

 private:
  void ReadNote();
  void AddHad(const std::string& name, std::string& text);
  [[nodiscard]] bool TakeLine(std::string_view& bytes);
  [[nodiscard]] bool TakeText(std::string_view& bytes);
  [[nodiscard]] bool TakeContent(std::string_view& bytes);
  [[nodiscard]] bool IsAskedFor() const;
  [[nodiscard]] bool BeginEntry();
  [[nodiscard]] bool BeginFile();
  [[nodiscard]] bool EndFile();
  [[nodiscard]] bool MakeLink(const std::string& target);
  [[nodiscard]] bool Refuse(std::string problem);
  [[nodiscard]] bool RefuseDisk(const std::string& path);
  [[nodiscard]] std::string PathOf(const std::string& name) const { return folder_ + "/" + name; }

  enum class Awaits : std::uint8_t { kLine, kPath, kContent, kTarget };

  std::string folder_;
  std::string note_file_;
  std::vector<std::string> names_;
  std::string noted_name_;
  std::int64_t noted_mtime_ = 0;
  Awaits awaits_ = Awaits::kLine;
  std::string text_;  // of a line, a path or a target, as far as it has come
  TreeHead head_;
  std::string name_;
  FileDescriptor file_;
  std::int64_t at_ = 0;  // in the file
  TreeCounts counts_;
  bool has_links_ = false;
  bool is_whole_ = false;
  std::string problem_;
};

}  // namespace ddl
