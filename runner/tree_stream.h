// SPDX-License-Identifier: Apache-2.0
// Folders of a host as one stream of bytes, which goes on where an earlier one ended. The receiver
// says what it has, the sender what there is:
//
//   h SIZE MTIME 0 0 N\n PATH              a file, as far as it has it, for each; then
//   g 0 0 0 0 0\n                          go
//
//   d 0 0 MODE 0 N\n PATH                  a folder, before what is in it
//   f SIZE MTIME MODE FROM N\n PATH BYTES  a file; SIZE - FROM bytes of it
//   l SIZE 0 0 0 N\n PATH TARGET           a link, after all files
//   e FILES BYTES 0 0 0\n                  the end: nothing is missing
//
// A path has N bytes. MTIME is in nanoseconds: size and time tell that a file is the one that was
// sent before. Nothing else is checked; what carries the bytes does that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ddl {

struct TreeHead {
  char kind = 0;           // h g d f l e
  std::int64_t size = 0;   // of a file or a link's target; e: files
  std::int64_t mtime = 0;  // e: bytes of all files
  std::int64_t mode = 0;   // permission bits
  std::int64_t from = 0;   // f: what the receiver has of it
  std::int64_t path_size = 0;
  bool operator==(const TreeHead&) const = default;
};

// With its line feed.
[[nodiscard]] std::string TreeHeadLine(const TreeHead& head);
// Of a line without it; nullopt: that is none.
[[nodiscard]] std::optional<TreeHead> ParseTreeHead(std::string_view line);

inline constexpr std::size_t kLongestTreeHead = 128;
inline constexpr std::int64_t kLongestTreePath = 4096;

// Relative, and stays below where it begins.
[[nodiscard]] bool IsPathInside(std::string_view path);

}  // namespace ddl
