// SPDX-License-Identifier: Apache-2.0
// What every link does alike with messages, whatever carries its bytes: frames in and out,
// heartbeats, code that travels, and the news of a silence.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "runner/code_sender.h"
#include "runner/frames.h"
#include "runner/link.h"
#include "runner/mailbox.h"

namespace ddl {

class LinkTraffic {
 public:
  LinkTraffic(int host, std::string code_folder, Deliver deliver)
      : host_(host), deliver_(std::move(deliver)), code_(std::move(code_folder)) {}

  // On any thread.
  void Put(ToHost message) { outbox_.Put(std::move(message)); }

  // The rest on the link's own. Silence is counted from Begin on.
  void Begin() { heard_ = std::chrono::steady_clock::now(); }
  // Delivers the messages that `bytes` complete. Why the link must end, or "".
  [[nodiscard]] std::string Received(std::string_view bytes);
  // Adds to Out() what was put since, and a heartbeat when it is due; tells of a silence. Code goes
  // only when little else waits.
  void Refill();
  // Bytes for the host; who has sent some takes them off.
  [[nodiscard]] std::string& Out() { return out_; }
  void Ended(std::string reason, std::string hint = {}) {
    deliver_({host_, LinkDown{std::move(reason), std::move(hint)}});
  }

 private:
  void KeepHeartbeat();
  void SendCode();

  int host_;
  Deliver deliver_;
  Mailbox<ToHost> outbox_;
  FrameReader frames_;
  std::string out_;
  CodeSender code_;
  std::chrono::steady_clock::time_point heard_;
  std::chrono::steady_clock::time_point beaten_ = std::chrono::steady_clock::now();
  std::uint64_t beats_ = 0;
  bool told_silent_ = false;
};

// How long a link may wait for something to happen before it calls Refill again.
inline constexpr std::chrono::milliseconds kLinkTurn{1000};

}  // namespace ddl
