// SPDX-License-Identifier: Apache-2.0
// Runs searches on a thread of their own, so that a slow proposal never holds up a decision. Asks
// go in, Proposed comes out through `deliver`, which is called on that thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "runner/mailbox.h"
#include "scheduler/events.h"
#include "scheduler/search/search.h"

namespace ddl {

[[nodiscard]] Proposed AnswerTo(const AskSearch& ask, Search& search);

class SearchDesk {
 public:
  explicit SearchDesk(std::function<void(Proposed)> deliver);
  SearchDesk(const SearchDesk&) = delete;
  SearchDesk& operator=(const SearchDesk&) = delete;
  SearchDesk(SearchDesk&&) = delete;
  SearchDesk& operator=(SearchDesk&&) = delete;
  ~SearchDesk();

  // Replaces the search of a sweep that was opened before. `steps`: see MakeSearch.
  void Open(SweepId sweep, const SweepSpec& spec, std::vector<SearchStep> steps = {});
  // The spec of an open sweep changed in place. What a search has learnt stays; one that failed
  // begins again, from `steps`.
  void Change(SweepId sweep, const SweepSpec& spec, std::vector<SearchStep> steps);
  void Ask(const AskSearch& ask);
  void Tell(const TellSearch& tell);

 private:
  struct Opened {
    SweepId sweep;
    SweepSpec spec;
    std::vector<SearchStep> steps;
    bool only_if_failed = false;
  };
  struct Quit {};
  using Order = std::variant<Opened, AskSearch, TellSearch, Quit>;

  void Serve(const std::stop_token& stop);
  // False: quit.
  bool Obey(Order& order, const std::stop_token& stop);
  void Obey(const Opened& opened, const std::stop_token& stop);
  void Obey(const AskSearch& ask);
  void Obey(const TellSearch& tell);
  // Calls what a search may throw in; what it throws is told, now and to every later question.
  template <class Call>
  void Guarded(SweepId sweep, Call call);

  std::function<void(Proposed)> deliver_;
  Mailbox<Order> orders_;
  std::map<SweepId, std::unique_ptr<Search>> searches_;  // the thread's
  std::map<SweepId, std::string> failures_;              // and why they are of no use
  std::jthread thread_;
};

}  // namespace ddl
