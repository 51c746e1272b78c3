// SPDX-License-Identifier: Apache-2.0
// Keeps one host's link: makes it, remakes it with back-off when it went down or stayed silent.
// Remaking a link is never an event of a trial.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include "runner/link.h"

namespace ddl {

using MakeLink = std::function<std::unique_ptr<Link>(const Hello&)>;

class HostLink {
 public:
  // `name` as specs write it.
  HostLink(std::string name, Hello hello, MakeLink make);

  [[nodiscard]] const std::string& Name() const { return name_; }
  // Nothing goes out before the core has heard the link's welcome: it judges by that what it knows.
  void Send(ToHost message);
  // Call often; connects when it is time to.
  void Keep(std::chrono::nanoseconds now);
  // Greets the host with this epoch from the next link on.
  void SetEpoch(std::uint64_t epoch) { hello_.epoch = epoch; }
  // Makes the next link at once.
  void GreetAgain();
  void OnUp();
  void OnHeard() { silent_ = false; }
  void OnSilent(std::chrono::nanoseconds now);
  // `needs_user`: trying again soon is of no use, and may look like an attack.
  void OnDown(std::chrono::nanoseconds now, bool needs_user = false);
  [[nodiscard]] bool IsUp() const { return up_; }
  // It has welcomed this coordinator once.
  [[nodiscard]] bool IsMet() const { return is_met_; }

 private:
  std::string name_;
  Hello hello_;
  MakeLink make_;
  std::unique_ptr<Link> link_;
  bool up_ = false;
  bool is_met_ = false;
  bool silent_ = false;
  std::chrono::nanoseconds silent_since_{0};
  std::chrono::nanoseconds connect_at_{0};
  std::chrono::nanoseconds delay_{0};  // before the next try
  std::minstd_rand dice_;              // hosts that went together are not asked together
};

}  // namespace ddl
