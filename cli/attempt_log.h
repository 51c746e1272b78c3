// SPDX-License-Identifier: Apache-2.0
// The log of an attempt, wherever it ran: on this machine by its files, on another over SSH.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "runner/host_session.h"
#include "store/reader.h"

namespace ddl {

// The one who follows a log.
struct LogFollower {
  std::function<void(std::string_view)> take;
  std::function<bool()> has_ended;  // the attempt; asked now and then
  std::function<bool()> is_read;    // false: nobody looks at what is taken any more
};

class AttemptLog {
 public:
  explicit AttemptLog(AttemptLine attempt);

  // All that was kept, with a line where the middle is missing. Throws Error where its host cannot
  // be reached.
  [[nodiscard]] std::string Read();
  // "" or why it is not there any more, as far as this machine can tell.
  [[nodiscard]] std::string WhyGone() const;
  // Hands out what is written from there on, as it is written, until the attempt has ended and all
  // was handed out, or nobody reads it. Tries again where the connection went.
  void Follow(const LogFollower& follower);

 private:
  [[nodiscard]] HostSession& Host();
  void FollowHere(const LogFollower& follower);
  void FollowThere(const LogFollower& follower);
  // "" once the attempt has ended; else why the connection went.
  [[nodiscard]] std::string Stream(const LogFollower& follower);

  AttemptLine attempt_;
  std::optional<HostSession> host_;
  std::size_t shown_ = 0;  // of the head
};

}  // namespace ddl
