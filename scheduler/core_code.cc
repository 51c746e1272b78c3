// SPDX-License-Identifier: Apache-2.0
// Sweeps whose trials run in a snapshot of their workdir start on hosts that have it.
#include <fmt/format.h>

#include "scheduler/core_state.h"

namespace ddl {

void Core::State::On(const CodeReady& ready, Turn&) {
  HostState* const host = HostOfLink(ready.host);
  if (host == nullptr) return;
  host->code_folders[ready.code] = ready.folder;
  host->code_awaited.erase(ready.code);
  needs_placement = true;
}

void Core::State::On(const CodeAwaited& awaited, Turn&) {
  HostState* const host = HostOfLink(awaited.host);
  if (host == nullptr) return;
  host->code_awaited[awaited.code] = awaited.why;
  if (!awaited.is_refused) return;
  // Should that be because the copy of a checkpoint here is damaged, a new one is made.
  for (auto& [id, sweep] : sweeps) {
    std::erase_if(sweep.copies,
                  [&awaited](const auto& copy) { return copy.second.code == awaited.code; });
  }
}

bool Core::State::HasCode(const SweepRun& sweep, const HostState& host) {
  return sweep.spec.code.empty() || host.code_folders.contains(sweep.spec.code);
}

// "": it runs in place.
std::string Core::State::CodeFolder(const SweepRun& sweep, const HostState& host) {
  return sweep.spec.code.empty() ? std::string() : host.code_folders.at(sweep.spec.code);
}

void Core::State::AddCode(const SweepRun& sweep, TrialFacts& facts) const {
  facts.have = sweep.spec.trainer ? "its trainer and data" : "its code";
  for (const std::string& name : sweep.spec.hosts) {
    const auto found = hosts.find(name);
    if (found == hosts.end() || !found->second.is_up || HasCode(sweep, found->second)) continue;
    const auto& awaited = found->second.code_awaited;
    const auto why = awaited.find(sweep.spec.code);
    facts.holder +=
        fmt::format("{} {}{}", facts.holder.empty() ? "" : ", and", name,
                    why == awaited.end() ? std::string(" is asked for it") : why->second);
  }
}

}  // namespace ddl
