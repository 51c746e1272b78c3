// SPDX-License-Identifier: Apache-2.0
#include "runner/tree_receiver.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ddl {

namespace {

constexpr std::int64_t kLarge = std::int64_t{1} << 20U;  // worth a note of its own
constexpr std::int64_t kBillion = 1'000'000'000;

timespec TimeOf(std::int64_t mtime) {
  std::int64_t seconds = mtime / kBillion;
  std::int64_t rest = mtime % kBillion;
  if (rest < 0) {
    rest += kBillion;
    --seconds;
  }
  return {.tv_sec = seconds, .tv_nsec = rest};
}

}  // namespace

TreeReceiver::TreeReceiver(std::string folder, std::string note_file,
                           std::vector<std::string> names)
    : folder_(std::move(folder)), note_file_(std::move(note_file)), names_(std::move(names)) {}

std::string TreeReceiver::Had() {
  ReadNote();
  std::string text;
  for (const std::string& name : ListFolder(folder_)) {
    AddHad(name, text);
  }
  return text + TreeHeadLine({.kind = 'g'});
}

// "MTIME PATH"
void TreeReceiver::ReadNote() {
  const std::string text = ReadFile(note_file_).value_or("");
  const char* const end = text.data() + text.size();
  const auto [blank, problem] = std::from_chars(text.data(), end, noted_mtime_);
  if (problem == std::errc() && blank != end) noted_name_.assign(blank + 1, end);
}

// Links come last, so that no file of a stream is ever written through one.
void TreeReceiver::AddHad(const std::string& name, std::string& text) {
  const std::string path = PathOf(name);
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return;
  if (S_ISDIR(status.st_mode)) {
    for (const std::string& child : ListFolder(path)) {
      AddHad(name + "/" + child, text);
    }
    return;
  }
  if (!S_ISREG(status.st_mode)) {
    ::unlink(path.c_str());
    return;
  }
  std::int64_t mtime = std::int64_t{status.st_mtim.tv_sec} * kBillion + status.st_mtim.tv_nsec;
  if (name == noted_name_) mtime = noted_mtime_;
  text += TreeHeadLine({.kind = 'h',
                        .size = status.st_size,
                        .mtime = mtime,
                        .path_size = static_cast<std::int64_t>(name.size())}) +
          name;
}

bool TreeReceiver::Take(std::string_view bytes) {
  bool is_good = problem_.empty();
  while (is_good && !bytes.empty()) {
    if (is_whole_) return Refuse("the host says more than it should");
    switch (awaits_) {
      case Awaits::kLine:
        is_good = TakeLine(bytes);
        break;
      case Awaits::kPath:
      case Awaits::kTarget:
        is_good = TakeText(bytes);
        break;
      case Awaits::kContent:
        is_good = TakeContent(bytes);
        break;
    }
  }
  return is_good;
}

bool TreeReceiver::TakeLine(std::string_view& bytes) {
  const std::size_t end = bytes.find('\n');
  text_ += bytes.substr(0, end);
  if (text_.size() > kLongestTreeHead) return Refuse("what the host says cannot be read");
  bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
  if (end == std::string_view::npos) return true;
  const auto head = ParseTreeHead(std::exchange(text_, {}));
  constexpr std::string_view kExpected = "dfle";
  if (!head || kExpected.find(head->kind) == std::string_view::npos) {
    return Refuse("what the host says cannot be read");
  }
  head_ = *head;
  if (head_.kind != 'e') {
    awaits_ = Awaits::kPath;
    return true;
  }
  is_whole_ = head_.size == counts_.files && head_.mtime == counts_.bytes;
  return is_whole_ || Refuse("fewer files came than the host has sent");
}

bool TreeReceiver::TakeText(std::string_view& bytes) {
  const std::int64_t size = awaits_ == Awaits::kPath ? head_.path_size : head_.size;
  const std::string_view taken = bytes.substr(0, static_cast<std::size_t>(size) - text_.size());
  text_ += taken;
  bytes.remove_prefix(taken.size());
  if (std::ssize(text_) < size) return true;
  std::string text = std::exchange(text_, {});
  if (awaits_ == Awaits::kTarget) return MakeLink(text);
  name_ = std::move(text);
  return BeginEntry();
}

// Beside them lie files of our own, which others must not put there.
bool TreeReceiver::IsAskedFor() const {
  const std::string_view first = std::string_view(name_).substr(0, name_.find('/'));
  return names_.empty() || std::ranges::find(names_, first) != names_.end();
}

bool TreeReceiver::BeginEntry() {
  if (!IsPathInside(name_)) return Refuse("the host names a file outside of its folder");
  if (!IsAskedFor()) return Refuse("the host sends what it was not asked for");
  if (has_links_ && head_.kind != 'l') return Refuse("what the host says cannot be read");
  if (head_.kind == 'f') return BeginFile();
  if (head_.kind == 'l') {
    const bool is_sound = head_.size > 0 && head_.size <= kLongestTreePath;
    awaits_ = Awaits::kTarget;
    return is_sound || Refuse("what the host says cannot be read");
  }
  awaits_ = Awaits::kLine;
  return EnsureFolder(PathOf(name_)) || RefuseDisk(PathOf(name_));
}

// An earlier file of that name is gone before the note says that what is there is the new one's.
bool TreeReceiver::BeginFile() {
  const std::string path = PathOf(name_);
  if (head_.from == 0) ::unlink(path.c_str());
  if (head_.size - head_.from > kLarge &&
      !WriteFileAtomically(note_file_, std::to_string(head_.mtime) + " " + name_)) {
    return RefuseDisk(note_file_);
  }
  file_ = OpenFile(path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600);
  struct stat status{};
  if (!file_ || ::fstat(file_.Get(), &status) != 0) return RefuseDisk(path);
  if (status.st_size != head_.from) return Refuse("the host sends another part than was asked for");
  at_ = head_.from;
  awaits_ = Awaits::kContent;
  return at_ < head_.size || EndFile();
}

bool TreeReceiver::TakeContent(std::string_view& bytes) {
  const std::string_view taken = bytes.substr(0, static_cast<std::size_t>(head_.size - at_));
  if (!WriteAllAt(file_.Get(), taken, at_)) return RefuseDisk(PathOf(name_));
  at_ += std::ssize(taken);
  counts_.came += std::ssize(taken);
  bytes.remove_prefix(taken.size());
  return at_ < head_.size || EndFile();
}

bool TreeReceiver::EndFile() {
  const std::array times{timespec{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, TimeOf(head_.mtime)};
  const unsigned mode = (head_.mode & 0100) != 0 ? 0700 : 0600;
  if (::fchmod(file_.Get(), mode) != 0 || ::futimens(file_.Get(), times.data()) != 0) {
    return RefuseDisk(PathOf(name_));
  }
  file_.Reset();
  ++counts_.files;
  counts_.bytes += head_.size;
  awaits_ = Awaits::kLine;
  return true;
}

// One in the place of a whole folder is left out: who reads that folder would read whatever of ours
// the host chose.
bool TreeReceiver::MakeLink(const std::string& target) {
  awaits_ = Awaits::kLine;
  has_links_ = true;
  if (name_.find('/') == std::string::npos) return true;
  for (std::size_t slash = name_.find('/'); slash != std::string::npos;
       slash = name_.find('/', slash + 1)) {
    struct stat status{};
    const std::string above = PathOf(name_.substr(0, slash));
    if (::lstat(above.c_str(), &status) != 0) return RefuseDisk(above);
    if (!S_ISDIR(status.st_mode)) return Refuse("the host names a file outside of its folder");
  }
  return ::symlink(target.c_str(), PathOf(name_).c_str()) == 0 || RefuseDisk(PathOf(name_));
}

bool TreeReceiver::Refuse(std::string problem) {
  problem_ = std::move(problem);
  return false;
}

bool TreeReceiver::RefuseDisk(const std::string& path) {
  return Refuse(path + ": " + std::strerror(errno));
}

}  // namespace ddl
