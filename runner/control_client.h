// SPDX-License-Identifier: Apache-2.0
// The other end of a coordinator's socket: what viewers and the stop/pause/… commands speak
// through.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace ddl {

class ControlClient {
 public:
  // Nothing when no coordinator listens in `folder`.
  [[nodiscard]] static std::optional<ControlClient> Connect(const std::string& folder);

  ControlClient(ControlClient&& other) noexcept;
  ControlClient& operator=(ControlClient&& other) noexcept;
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;
  ~ControlClient();

  // False when the coordinator is gone.
  [[nodiscard]] bool Send(const std::string& line);

  enum class Heard : std::uint8_t { kLine, kNothingYet, kGone, kInterrupted };
  // Waits for one line; kInterrupted when a signal handler ran.
  [[nodiscard]] Heard Read(std::string& line, std::chrono::milliseconds patience);

 private:
  explicit ControlClient(int fd) : fd_(fd) {}
  int fd_ = -1;
  std::string buffer_;
};

}  // namespace ddl
