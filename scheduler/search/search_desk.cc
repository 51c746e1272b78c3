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

void SearchDesk::Open(SweepId sweep, const SweepSpec& spec) {
  orders_.Put(Opened{sweep, MakeSearch(spec)});
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
    searches_[opened->sweep] = std::move(opened->search);
    return true;
  }
  const auto& ask = std::get<AskSearch>(order);
  deliver_(
      {ask.sweep, ask.first, ask.count, searches_.at(ask.sweep)->Propose(ask.first, ask.count)});
  return true;
}

}  // namespace ddl
