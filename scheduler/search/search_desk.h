// SPDX-License-Identifier: Apache-2.0
// Runs searches on a thread of their own, so that a slow proposal never holds up a decision. Asks
// go in, Proposed comes out through `deliver`, which is called on that thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <variant>

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

  // Replaces the search of a sweep that was opened before.
  void Open(SweepId sweep, const SweepSpec& spec);
  void Ask(const AskSearch& ask);

 private:
  struct Opened {
    SweepId sweep;
    std::unique_ptr<Search> search;
  };
  struct Quit {};
  using Order = std::variant<Opened, AskSearch, Quit>;

  void Serve();
  // False: quit.
  bool Obey(Order& order);

  std::function<void(Proposed)> deliver_;
  Mailbox<Order> orders_;
  std::map<SweepId, std::unique_ptr<Search>> searches_;  // the thread's
  std::jthread thread_;
};

}  // namespace ddl
