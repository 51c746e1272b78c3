// SPDX-License-Identifier: Apache-2.0
// Keeps one host's link: makes it, remakes it with back-off when it went down or stayed silent.
// Remaking a link is never an event of a trial.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "runner/link.h"

namespace ddl {

class HostLink {
 public:
  HostLink(LocalLinkOptions options, Deliver deliver);

  // Nothing goes out before the core has heard the link's welcome: it judges by that what it knows.
  void Send(ToHost message);
  // Call often; connects when it is time to.
  void Keep(std::chrono::nanoseconds now);
  // Greets the host with this epoch from the next link on, which is made at once.
  void GreetAgain(std::uint64_t epoch);
  void OnUp();
  void OnHeard() { silent_ = false; }
  void OnSilent(std::chrono::nanoseconds now);
  void OnDown(std::chrono::nanoseconds now);
  [[nodiscard]] bool IsUp() const { return up_; }

 private:
  LocalLinkOptions options_;
  Deliver deliver_;
  std::unique_ptr<Link> link_;
  bool up_ = false;
  bool silent_ = false;
  std::chrono::nanoseconds silent_since_{0};
  std::chrono::nanoseconds connect_at_{0};
  std::chrono::nanoseconds delay_{0};  // before the next try
};

}  // namespace ddl
