// SPDX-License-Identifier: Apache-2.0
#include "runner/code_receiver.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/code_libraries.h"
#include "runner/frames.h"

namespace ddl {

namespace {

constexpr std::uint64_t kTellEvery = std::uint64_t{64} << 10U;

std::string DiskRefusal(const std::string& path) {
  return path + ": " + std::strerror(errno);
}

}  // namespace

void CodeReceiver::On(const OfferCode& offer) {
  offer_ = offer;
  tree_.reset();
  file_.Reset();
  manifest_.clear();
  arrived_ = told_ = wanted_ = 0;
  next_ = 0;
  awaits_ = Awaits::kNothing;
  if (!IsCodeName(offer.code)) return Refuse("this is no snapshot's name");
  if (!lock_) lock_ = CodeTree::Lock(code_folder_);
  if (!lock_) return Refuse(DiskRefusal(code_folder_));
  if (const auto known = CodeTree::ReadManifest(code_folder_, offer.code)) return Begin(*known);
  awaits_ = Awaits::kManifest;
  wanted_ = offer.manifest_bytes;
  tell_({.code = offer.code, .stage = CodeStage::kManifest});
}

void CodeReceiver::On(const CodeBytes& piece) {
  std::string_view bytes = piece.bytes;
  if (awaits_ == Awaits::kNothing) return;  // of an offer that was refused
  arrived_ += bytes.size();
  if (awaits_ == Awaits::kManifest) return TakeManifest(bytes);
  while (!bytes.empty() && awaits_ == Awaits::kFiles) {
    TakeFile(bytes);
  }
  if (arrived_ - told_ >= kTellEvery && awaits_ == Awaits::kFiles) TellArrived();
}

void CodeReceiver::TakeManifest(std::string_view bytes) {
  manifest_ += bytes;
  if (arrived_ - told_ >= kTellEvery) TellArrived();
  if (manifest_.size() < offer_.manifest_bytes) return;
  if (Sha256Hex(manifest_) != offer_.code) return Refuse("what arrived is not what was offered");
  Begin(std::exchange(manifest_, {}));
}

void CodeReceiver::Begin(const std::string& manifest) {
  std::optional<CodeManifest> parsed = ParseManifest(manifest);
  if (!parsed) return Refuse("its manifest cannot be read");
  tree_.emplace(code_folder_, offer_.code, *std::move(parsed));
  if (const std::string problem = tree_->Prepare(); !problem.empty()) return Refuse(problem);
  round_ = 0;
  Want(tree_->Missing(), {.code = offer_.code, .stage = CodeStage::kFiles});
}

void CodeReceiver::Want(const std::vector<std::size_t>& lacking, CodeNews news) {
  const int round = ++round_;
  lacking_ = lacking;
  next_ = 0;
  wanted_ = arrived_ = told_ = 0;
  for (const std::size_t i : lacking_) {
    news.lacking.push_back(static_cast<std::uint32_t>(i));
    wanted_ += static_cast<std::uint64_t>(tree_->Manifest().entries[i].size);
  }
  awaits_ = Awaits::kFiles;
  Open();
  // All of it is there, or nothing can be written.
  if (awaits_ != Awaits::kFiles || round != round_) return;
  news.begun = written_;
  news.bytes = arrived_ = told_ = written_;
  news.all_bytes = wanted_;
  tell_(std::move(news));
}

// Of the first file an earlier link may have brought a part, which counts as long as the whole has
// the right hash in the end. Files of no bytes are whole at once.
void CodeReceiver::Open() {
  for (; next_ < lacking_.size(); ++next_) {
    const std::string path = tree_->PathOf(Current());
    const int begin = next_ == 0 ? 0 : O_TRUNC;
    file_ = OpenFile(path, O_RDWR | O_CREAT | O_NOFOLLOW | begin, 0600);
    if (!file_) return Refuse(DiskRefusal(path));
    hash_ = Sha256();
    written_ = 0;
    std::array<char, 65536>
        piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
    ssize_t got = 0;
    while (next_ == 0 && (got = ::read(file_.Get(), piece.data(), piece.size())) > 0) {
      hash_.Add({piece.data(), static_cast<std::size_t>(got)});
      written_ += static_cast<std::uint64_t>(got);
    }
    if (written_ != static_cast<std::uint64_t>(Current().size)) return;
    if (!Close()) return;
  }
  SeeToTheRest();
}

void CodeReceiver::SeeToTheRest() {
  if (round_ == 2 || tree_->Libraries().empty()) return Finish();
  const LibraryVerdict verdict = SeeToLibraries(*tree_, code_folder_, offer_.library_folders);
  if (!verdict.problem.empty()) return Refuse(verdict.problem);
  if (verdict.lacking.empty()) return Finish();
  Want(verdict.lacking,
       {.code = offer_.code, .stage = CodeStage::kLibraries, .problem = verdict.why});
}

void CodeReceiver::Finish() {
  awaits_ = Awaits::kNothing;
  if (const std::string problem = tree_->Finish(); !problem.empty()) return Refuse(problem);
  tree_.reset();
  lock_.Reset();
  tell_({.code = offer_.code,
         .stage = CodeStage::kReady,
         .bytes = arrived_,
         .all_bytes = wanted_,
         .folder = CodeTree::FolderOfTree(code_folder_, offer_.code)});
}

void CodeReceiver::TakeFile(std::string_view& bytes) {
  const std::uint64_t left = static_cast<std::uint64_t>(Current().size) - written_;
  const std::string_view own = bytes.substr(0, std::min<std::uint64_t>(left, bytes.size()));
  bytes.remove_prefix(own.size());
  if (!WriteAll(file_.Get(), own)) return Refuse(DiskRefusal(tree_->PathOf(Current())));
  hash_.Add(own);
  written_ += own.size();
  if (own.size() < left || !Close()) return;
  ++next_;
  Open();
}

// False: the file is not what it should be, which was told.
bool CodeReceiver::Close() {
  const CodeEntry& entry = Current();
  if (hash_.Hex() != entry.content) {
    ::unlink(tree_->PathOf(entry).c_str());
    Refuse(entry.path + ": what arrived is not what was sent");
    return false;
  }
  if (!CodeTree::Seal(file_.Get(), entry)) {
    Refuse(DiskRefusal(tree_->PathOf(entry)));
    return false;
  }
  file_.Reset();
  return true;
}

void CodeReceiver::Refuse(const std::string& problem) {
  awaits_ = Awaits::kNothing;
  tree_.reset();
  file_.Reset();
  lock_.Reset();
  tell_({.code = offer_.code, .stage = CodeStage::kRefused, .problem = problem});
}

void CodeReceiver::TellArrived() {
  told_ = arrived_;
  tell_(
      {.code = offer_.code, .stage = CodeStage::kMoving, .bytes = arrived_, .all_bytes = wanted_});
}

int ReceiveCode(int socket, const std::string& code_folder) {
  CodeReceiver receiver(code_folder, [socket](CodeNews news) {
    std::string frame;
    AppendFrame(FromHost(std::move(news)), frame);
    if (!WriteAll(socket, frame)) ::_exit(1);
  });
  FrameReader frames;
  std::vector<char> piece(std::size_t{1} << 18U);
  while (true) {
    const ssize_t got = ::read(socket, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0 ? 1 : 0;
    frames.Add({piece.data(), static_cast<std::size_t>(got)});
    while (const std::optional<ToHost> message = frames.Next<ToHost>()) {
      if (const auto* offer = std::get_if<OfferCode>(&*message)) receiver.On(*offer);
      if (const auto* bytes = std::get_if<CodeBytes>(&*message)) receiver.On(*bytes);
    }
    if (!frames.Problem().empty()) return 1;
  }
}

}  // namespace ddl
