// SPDX-License-Identifier: Apache-2.0
#include "runner/code_sender.h"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/code_tree.h"

namespace ddl {

namespace {

// Beyond the fastest answer: no queue worth speaking of, and one that others would feel.
constexpr std::chrono::milliseconds kNoQueue{200};
constexpr std::chrono::milliseconds kQueue{500};

std::uint64_t SizeOfFile(const FileDescriptor& file) {
  struct stat status{};
  return file && ::fstat(file.Get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

}  // namespace

void CodeSender::Offered(const OfferCode& offer) {
  code_ = offer.code;
  text_.clear();
  lacking_.clear();
  next_ = 0;
  file_.Reset();
  problem_.reset();
}

void CodeSender::Heard(const CodeNews& news, Clock::time_point now) {
  if (news.code != code_) return;
  switch (news.stage) {
    case CodeStage::kManifest:
    case CodeStage::kFiles:
    case CodeStage::kLibraries: {
      std::optional<std::string> text = CodeTree::ReadManifest(code_folder_, code_);
      std::optional<CodeManifest> manifest = text ? ParseManifest(*text) : std::nullopt;
      if (!manifest) return Fail("its manifest");
      sent_ = taken_ = news.bytes;
      probe_.reset();
      manifest_ = *std::move(manifest);
      if (news.stage == CodeStage::kManifest) text_ = *std::move(text);
      lacking_ = news.lacking;
      begun_ = news.begun;
      next_ = 0;
      return;
    }
    case CodeStage::kMoving:
      taken_ = news.bytes;
      return Judge(now);
    case CodeStage::kReady:
    case CodeStage::kRefused:
      return Offered({});
  }
}

void CodeSender::Judge(Clock::time_point now) {
  if (!probe_ || taken_ < probe_->at) return;
  const auto took = now - probe_->sent;
  probe_.reset();
  fastest_ = fastest_ ? std::min(*fastest_, took) : took;
  if (took < *fastest_ + kNoQueue) window_ = std::min(window_ * 2, kMostWindow);
  if (took > *fastest_ + kQueue) window_ = std::max(window_ / 2, kLeastWindow);
}

std::optional<CodeBytes> CodeSender::Next(Clock::time_point now) {
  const std::uint64_t on_its_way = sent_ - taken_;
  if (code_.empty() || on_its_way >= window_) return std::nullopt;
  CodeBytes piece;
  if (!text_.empty()) {
    piece.bytes = text_.substr(0, kPiece);
    text_.erase(0, kPiece);
  } else {
    piece.bytes = ReadFiles(kPiece);
  }
  if (piece.bytes.empty()) return std::nullopt;
  sent_ += piece.bytes.size();
  if (!probe_) probe_ = Probe{sent_ - std::min<std::uint64_t>(sent_, kPiece), now};
  return piece;
}

std::string CodeSender::ReadFiles(std::size_t room) {
  std::string bytes;
  while (bytes.size() < room && (file_ || OpenNext())) {
    const std::size_t before = bytes.size();
    bytes.resize(before + std::min<std::uint64_t>(room - before, left_));
    const ssize_t got = ::read(file_.Get(), bytes.data() + before, bytes.size() - before);
    bytes.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got <= 0) {
      Fail(manifest_.entries[lacking_[next_ - 1]].path);
      return {};
    }
    left_ -= static_cast<std::uint64_t>(got);
    if (left_ == 0) file_.Reset();
  }
  return bytes;
}

// False: nothing is left to send.
bool CodeSender::OpenNext() {
  while (next_ < lacking_.size()) {
    const std::size_t at = lacking_[next_++];
    const std::uint64_t begun = std::exchange(begun_, 0);
    if (at >= manifest_.entries.size() || !manifest_.entries[at].HasContent()) {
      Fail("what the host asks for");
      return false;
    }
    const CodeEntry& entry = manifest_.entries[at];
    const std::string path = CodeTree::FolderOfTree(code_folder_, code_) + "/" + entry.path;
    // A library is this machine's own: a link, with a time of its own.
    file_ = OpenFile(path, entry.IsLibrary() ? O_RDONLY : O_RDONLY | O_NOFOLLOW);
    const auto size = static_cast<std::uint64_t>(entry.size);
    const bool is_right = entry.IsLibrary() ? SizeOfFile(file_) == size : IsPlaced(path, entry);
    if (!file_ || !is_right || begun > size) {
      Fail(entry.path + (entry.IsLibrary() ? ", this machine's own, has changed since" : ""));
      return false;
    }
    left_ = size - begun;
    if (left_ == 0) continue;
    (void)::lseek(file_.Get(), static_cast<off_t>(begun), SEEK_SET);
    return true;
  }
  file_.Reset();
  return false;
}

void CodeSender::Fail(const std::string& what) {
  const std::string code = code_;
  Offered({});
  problem_ = CodeNews{.code = code,
                      .stage = CodeStage::kRefused,
                      .problem = "the snapshot here is damaged or gone: " + what};
}

std::optional<CodeNews> CodeSender::TakeProblem() {
  return std::exchange(problem_, std::nullopt);
}

}  // namespace ddl
