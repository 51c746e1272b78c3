// SPDX-License-Identifier: Apache-2.0
// The host's side of a snapshot's travel: says what is lacking, takes it in, checks every hash and
// gives the whole its name. What came before a cut stays.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/code_tree.h"
#include "runner/messages.h"
#include "runner/sha256.h"

namespace ddl {

class CodeReceiver {
 public:
  CodeReceiver(std::string code_folder, std::function<void(CodeNews)> tell)
      : code_folder_(std::move(code_folder)), tell_(std::move(tell)) {}

  void On(const OfferCode& offer);
  void On(const CodeBytes& piece);

 private:
  enum class Awaits : std::uint8_t { kNothing, kManifest, kFiles };

  void TakeManifest(std::string_view bytes);
  void Begin(const std::string& manifest);
  // Takes in those, the first round, then the libraries that the host has not itself.
  void Want(const std::vector<std::size_t>& lacking, CodeNews news);
  // The next missing file, or the end.
  void Open();
  void TakeFile(std::string_view& bytes);
  [[nodiscard]] bool Close();
  void SeeToTheRest();
  void Finish();
  void Refuse(const std::string& problem);
  void TellArrived();
  [[nodiscard]] const CodeEntry& Current() const {
    return tree_->Manifest().entries[lacking_[next_]];
  }

  std::string code_folder_;
  std::function<void(CodeNews)> tell_;
  Awaits awaits_ = Awaits::kNothing;
  OfferCode offer_;
  FileDescriptor lock_;
  std::string manifest_;  // as far as it came
  std::optional<CodeTree> tree_;
  std::vector<std::size_t> lacking_;  // positions in the manifest, of this round
  std::size_t next_ = 0;              // of lacking_
  int round_ = 0;                     // 1: files, 2: libraries
  FileDescriptor file_;               // what is written now
  Sha256 hash_;                       // of it
  std::uint64_t written_ = 0;
  std::uint64_t arrived_ = 0;  // of this offer
  std::uint64_t told_ = 0;
  std::uint64_t wanted_ = 0;
};

// Serves frames on the socket until it ends. The exit code of the process.
[[nodiscard]] int ReceiveCode(int socket, const std::string& code_folder);

}  // namespace ddl
