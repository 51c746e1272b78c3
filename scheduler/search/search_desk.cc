// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/search_desk.h"

#include <chrono>
#include <exception>
#include <utility>

namespace ddl {

Proposed AnswerTo(const AskSearch& ask, Search& search) {
  Proposed answer{ask.sweep, ask.first, ask.count, search.Propose(ask.first, ask.count)};
  for (std::int64_t i = 0; i < std::ssize(answer.configurations); ++i) {
    if (const auto parent = search.ParentOf(ask.first + i)) answer.parents[ask.first + i] = *parent;
  }
  answer.note = search.Note();
  return answer;
}

SearchDesk::SearchDesk(std::function<void(Proposed)> deliver)
    : deliver_(std::move(deliver)), thread_([this](const std::stop_token& stop) { Serve(stop); }) {}

SearchDesk::~SearchDesk() {
  thread_.request_stop();
  orders_.Put(Quit{});
}

void SearchDesk::Open(SweepId sweep, const SweepSpec& spec, std::vector<SearchStep> steps) {
  orders_.Put(Opened{sweep, spec, std::move(steps)});
}

void SearchDesk::Change(SweepId sweep, const SweepSpec& spec, std::vector<SearchStep> steps) {
  orders_.Put(Opened{sweep, spec, std::move(steps), Learns(spec.method)});
}

void SearchDesk::Tell(const TellSearch& tell) {
  orders_.Put(tell);
}

void SearchDesk::Ask(const AskSearch& ask) {
  orders_.Put(ask);
}

void SearchDesk::Serve(const std::stop_token& stop) {
  while (true) {
    for (Order& order : orders_.TakeAll(std::chrono::hours(1))) {
      if (!Obey(order, stop)) return;
    }
  }
}

bool SearchDesk::Obey(Order& order, const std::stop_token& stop) {
  if (stop.stop_requested() || std::holds_alternative<Quit>(order)) return false;
  if (const auto* opened = std::get_if<Opened>(&order)) Obey(*opened, stop);
  if (const auto* tell = std::get_if<TellSearch>(&order)) Obey(*tell);
  if (const auto* ask = std::get_if<AskSearch>(&order)) Obey(*ask);
  return true;
}

// A method can throw anything: an Error of its own, or what a library of arithmetic or memory does.
template <class Call>
void SearchDesk::Guarded(SweepId sweep, Call call) {
  try {
    call();
  } catch (const std::exception& problem) {
    searches_.erase(sweep);
    failures_[sweep] = problem.what();
    deliver_({.sweep = sweep, .configurations = {}, .failure = problem.what()});
  }
}

void SearchDesk::Obey(const Opened& opened, const std::stop_token& stop) {
  if (opened.only_if_failed && !failures_.contains(opened.sweep)) return;
  failures_.erase(opened.sweep);
  Guarded(opened.sweep,
          [&] { searches_[opened.sweep] = MakeSearch(opened.spec, opened.steps, stop); });
}

void SearchDesk::Obey(const TellSearch& tell) {
  if (failures_.contains(tell.sweep)) return;
  Guarded(tell.sweep, [&] { searches_.at(tell.sweep)->Tell(tell.configuration, tell.outcome); });
}

void SearchDesk::Obey(const AskSearch& ask) {
  const auto failed = failures_.find(ask.sweep);
  if (failed != failures_.end()) {
    return deliver_({ask.sweep, ask.first, ask.count, {}, failed->second});
  }
  Guarded(ask.sweep, [&] { deliver_(AnswerTo(ask, *searches_.at(ask.sweep))); });
}

}  // namespace ddl
