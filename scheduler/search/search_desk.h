// SPDX-License-Identifier: Apache-2.0
// Runs searches on a thread of their own, so that a slow proposal never holds up a decision. Asks
// go in, Proposed comes out through `deliver`, which is called on that thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <variant>
#include <vector>

#include "runner/mailbox.h"
#include "scheduler/events.h"
#include "scheduler/search/search.h"

namespace ddl {

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
  // The spec of an open sweep changed in place. What a search has learnt stays.
  void Change(SweepId sweep, const SweepSpec& spec);
  void Ask(const AskSearch& ask);
  void Tell(const TellSearch& tell);

 private:
  struct Opened {
    SweepId sweep;
    SweepSpec spec;
    std::vector<SearchStep> steps;
  };
  struct Quit {};
  using Order = std::variant<Opened, AskSearch, TellSearch, Quit>;

  void Serve();
  // False: quit.
  bool Obey(Order& order);

  std::function<void(Proposed)> deliver_;
  Mailbox<Order> orders_;
  std::map<SweepId, std::unique_ptr<Search>> searches_;  // the thread's
  std::jthread thread_;
};

}  // namespace ddl
