// SPDX-License-Identifier: Apache-2.0
// The code of sweeps, and checkpoints, on their way to hosts, between desk, links and core.
#include <algorithm>
#include <utility>

#include "scheduler/coordinator.h"

namespace ddl {

// Hosts of the spec alone: what was launched elsewhere has its code.
void Coordinator::NeedCode(SweepId sweep, const std::string& code) {
  hosts_of_[sweep] = core_.HostsOf(sweep);
  code_of_[sweep] = code;
  for (const std::string& name : hosts_of_[sweep]) {
    NeedHost(name);
    const auto host = std::ranges::find(hosts_, name, &HostLink::Name);
    code_.Want(static_cast<int>(host - hosts_.begin()), code, core_.LibraryFoldersOn(sweep, name));
  }
}

void Coordinator::KeepCode() {
  CodeDesk::Due due = code_.Keep(Clock().monotonic);
  for (const CodeReady& ready : due.ready) {
    Step(ready);
  }
  for (auto& [host, offer] : due.offers) {
    hosts_.at(static_cast<std::size_t>(host)).Send(std::move(offer));
  }
}

void Coordinator::DropCode(SweepId sweep) {
  const std::string code = std::exchange(code_of_[sweep], {});
  const auto needs = [&code](const auto& entry) { return entry.second == code; };
  if (!code.empty() && std::ranges::none_of(code_of_, needs)) code_.Drop(code);
}

void Coordinator::Do(FetchCheckpoint& action) {
  courier_.Fetch(action);
}

void Coordinator::Do(OfferCheckpoint& action) {
  code_.WantCheckpoint(action.host, action.code);
}

void Coordinator::Do(DropCheckpoint& action) {
  code_.Drop(action.code);
}

void Coordinator::HeardOfCode(int number, const CodeNews& news) {
  const std::string name = core_.TitleOf(hosts_.at(static_cast<std::size_t>(number)).Name());
  const CodeDesk::Heard heard = code_.On(number, name, news, Clock().monotonic);
  if (const auto* ready = std::get_if<CodeReady>(&heard.event)) Step(*ready);
  if (const auto* awaited = std::get_if<CodeAwaited>(&heard.event)) Step(*awaited);
  if (!heard.say.empty()) SayToAll(heard.say);
}

}  // namespace ddl
