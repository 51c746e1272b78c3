// SPDX-License-Identifier: Apache-2.0
// The coordinator's side of a snapshot's travel, on a link's thread: answers what the host asks for
// of the snapshot that was offered last. Reads files as the link takes them, and never lets more be
// on its way than the host takes in a moment: on a slow line other messages would wait behind it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runner/code_manifest.h"
#include "runner/file.h"
#include "runner/messages.h"

namespace ddl {

class CodeSender {
 public:
  using Clock = std::chrono::steady_clock;

  explicit CodeSender(std::string code_folder) : code_folder_(std::move(code_folder)) {}

  // A new offer ends what was being sent.
  void Offered(const OfferCode& offer);
  void Heard(const CodeNews& news, Clock::time_point now);
  // The next piece that may go now.
  [[nodiscard]] std::optional<CodeBytes> Next(Clock::time_point now);
  // Told once: it cannot go on, since the snapshot here is damaged.
  [[nodiscard]] std::optional<CodeNews> TakeProblem();

 private:
  [[nodiscard]] std::string ReadFiles(std::size_t room);
  [[nodiscard]] bool OpenNext();
  void Fail(const std::string& what);
  void Judge(Clock::time_point now);

  static constexpr std::uint64_t kLeastWindow = std::uint64_t{64} << 10U;
  static constexpr std::uint64_t kFirstWindow = std::uint64_t{256} << 10U;
  static constexpr std::uint64_t kMostWindow = std::uint64_t{16} << 20U;
  static constexpr std::size_t kPiece = std::size_t{64} << 10U;

  std::string code_folder_;
  std::string code_;  // "": nothing is being sent
  std::string text_;  // of the manifest, as far as it is not sent
  CodeManifest manifest_;
  std::vector<std::uint32_t> lacking_;
  std::size_t next_ = 0;  // of lacking_
  FileDescriptor file_;
  std::uint64_t left_ = 0;  // of that file
  std::uint64_t begun_ = 0;
  std::optional<CodeNews> problem_;

  // How much may be on its way: doubled while the line shows no queue, halved when it does.
  std::uint64_t window_ = kFirstWindow;
  std::uint64_t sent_ = 0;
  std::uint64_t taken_ = 0;
  struct Probe {
    std::uint64_t at = 0;
    Clock::time_point sent;
  };
  std::optional<Probe> probe_;
  std::optional<Clock::duration> fastest_;
};

}  // namespace ddl
