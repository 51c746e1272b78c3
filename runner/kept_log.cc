// SPDX-License-Identifier: Apache-2.0
#include "runner/kept_log.h"

#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <unistd.h>

#include "runner/file.h"
#include "runner/gzip.h"

namespace ddl {

namespace {

// A head and a tail are 32 MiB each at most; what is larger is none of ours.
constexpr std::size_t kMostLogBytes = std::size_t{64} << 20;

struct OneLog {
  std::string text;
  bool is_damaged = false;
};

// The plain one first: it goes only when the other is whole.
OneLog ReadOneLog(const std::string& path) {
  if (auto plain = ReadFile(path, kMostLogBytes)) return {*std::move(plain)};
  const auto packed = ReadFile(path + ".gz", kMostLogBytes);
  if (!packed) return {};
  auto text = Gunzip(*packed, kMostLogBytes);
  if (!text) return {.text = {}, .is_damaged = true};
  return {*std::move(text)};
}

bool CompressOne(const std::string& path) {
  const auto plain = ReadFile(path, kMostLogBytes);
  if (!plain) return errno == ENOENT;
  const auto packed = Gzip(*plain);
  if (!packed || Gunzip(*packed, kMostLogBytes) != plain) return false;
  return WriteFileAtomically(path + ".gz", *packed, Durability::kPower) &&
         ::unlink(path.c_str()) == 0;
}

}  // namespace

KeptLog ReadKeptLog(const std::string& job_folder) {
  OneLog head = ReadOneLog(job_folder + "/log");
  OneLog tail = ReadOneLog(job_folder + "/log.tail");
  return {std::move(head.text), std::move(tail.text), head.is_damaged || tail.is_damaged};
}

std::string ReadLogFrom(const std::string& job_folder, std::size_t offset) {
  const std::string path = job_folder + "/log";
  const FileDescriptor plain = OpenFile(path, O_RDONLY);
  if (!plain) {
    const std::string text = ReadOneLog(path).text;
    return offset < text.size() ? text.substr(offset) : std::string();
  }
  std::string text;
  constexpr std::size_t kPiece = std::size_t{64} << 10;
  for (std::int64_t got = 1; got > 0;) {
    const std::size_t before = text.size();
    text.resize(before + kPiece);
    got = ReadAllAt(plain.Get(), std::span(text).subspan(before),
                    static_cast<std::int64_t>(offset + before));
    text.resize(before + static_cast<std::size_t>(got < 0 ? 0 : got));
  }
  return text;
}

bool CompressLogs(const std::string& job_folder) {
  const bool head = CompressOne(job_folder + "/log");
  return CompressOne(job_folder + "/log.tail") && head;
}

}  // namespace ddl
