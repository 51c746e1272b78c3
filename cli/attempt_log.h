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

class AttemptLog {
 public:
  explicit AttemptLog(AttemptLine attempt);

  // All that was kept, with a line where the middle is missing. Throws Error where its host cannot
  // be reached.
  [[nodiscard]] std::string Read();
  // "" or why it is not there any more, as far as this machine can tell.
  [[nodiscard]] std::string WhyGone() const;
  // Hands out what is written from there on, as it is written, until the attempt has ended and all
  // was handed out. Tries again where the connection went. `has_ended` is asked now and then.
  void Follow(const std::function<void(std::string_view)>& take,
              const std::function<bool()>& has_ended);

 private:
  [[nodiscard]] HostSession& Host();
  void FollowHere(const std::function<void(std::string_view)>& take,
                  const std::function<bool()>& has_ended);
  void FollowThere(const std::function<void(std::string_view)>& take,
                   const std::function<bool()>& has_ended);

  AttemptLine attempt_;
  std::optional<HostSession> host_;
  std::size_t shown_ = 0;  // of the head
};

}  // namespace ddl
