// SPDX-License-Identifier: Apache-2.0
// Who is connected to this coordinator, what each watches and what each waits to be answered.
// Speaks one JSON object a line; docs/formats.md lists them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "configs/error.h"
#include "runner/control_server.h"
#include "scheduler/core.h"

namespace ddl {

class FrontDesk {
 public:
  explicit FrontDesk(ControlServer& server) : server_(server) {}

  void Watch(std::uint64_t client, SweepId sweep) { viewers_[client] = sweep; }
  void ExpectAnswer(std::uint64_t request, std::uint64_t client) { asked_by_[request] = client; }
  void Left(std::uint64_t client);

  void Reply(std::uint64_t client, bool ok, const std::string& text);
  // With all parts of the error, so that the client can act upon it as if it were its own.
  void Refuse(std::uint64_t client, const Error& refusal);
  // False: nobody of this desk asked.
  bool Deliver(const Answer& answer);
  void Say(SweepId sweep, const std::string& text);
  void Show(const SweepProgress& progress, const std::vector<RunningTrial>& running);
  void Ended(const SweepEnded& ended);
  [[nodiscard]] bool IsWatched(SweepId sweep) const;

 private:
  void SendToViewers(SweepId sweep, const std::string& line);

  ControlServer& server_;
  std::map<std::uint64_t, SweepId> viewers_;
  std::map<std::uint64_t, std::uint64_t> asked_by_;
};

}  // namespace ddl
