// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/search_desk.h"

#include <chrono>
#include <utility>

namespace ddl {

SearchDesk::SearchDesk(std::function<void(Proposed)> deliver)
    : deliver_(std::move(deliver)), thread_([this] { Serve(); }) {}

SearchDesk::~SearchDesk() {
  orders_.Put(Quit{});
}

void SearchDesk::Open(SweepId sweep, const SweepSpec& spec, std::vector<SearchStep> steps) {
  orders_.Put(Opened{sweep, spec, std::move(steps)});
}

void SearchDesk::Change(SweepId sweep, const SweepSpec& spec) {
  if (!Learns(spec.method)) Open(sweep, spec);
}

void SearchDesk::Tell(const TellSearch& tell) {
  orders_.Put(tell);
}

void SearchDesk::Ask(const AskSearch& ask) {
  orders_.Put(ask);
}

void SearchDesk::Serve() {
  while (true) {
    for (Order& order : orders_.TakeAll(std::chrono::hours(1))) {
      if (!Obey(order)) return;
    }
  }
}

bool SearchDesk::Obey(Order& order) {
  if (std::holds_alternative<Quit>(order)) return false;
  if (auto* opened = std::get_if<Opened>(&order)) {
    searches_[opened->sweep] = MakeSearch(opened->spec, opened->steps);
    return true;
  }
  if (const auto* tell = std::get_if<TellSearch>(&order)) {
    searches_.at(tell->sweep)->Tell(tell->configuration, tell->outcome);
    return true;
  }
  const auto& ask = std::get<AskSearch>(order);
  deliver_(
      {ask.sweep, ask.first, ask.count, searches_.at(ask.sweep)->Propose(ask.first, ask.count)});
  return true;
}

}  // namespace ddl
