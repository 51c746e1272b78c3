// SPDX-License-Identifier: Apache-2.0
// The configurations of one sweep that are known or asked for. Asked ahead in order, so that no
// device waits for the search; one that was dropped is asked again by its number.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "configs/space.h"

namespace ddl {

class Proposals {
 public:
  struct Question {
    std::int64_t first = 0;
    std::int64_t count = 0;
  };

  // Asking ahead begins at `first`; those before it have been launched once.
  Proposals() = default;
  explicit Proposals(std::int64_t first) : asked_until_(first) {}

  [[nodiscard]] const Configuration* Find(std::int64_t configuration) const;
  // What to ask so that `configuration` and the next ones are there in time; nothing when they are
  // known or on their way. The sweep has `total` configurations.
  [[nodiscard]] std::optional<Question> Ask(std::int64_t configuration, std::int64_t total) {
    return AskUntil(configuration, std::min(configuration + kAhead, exhausted_.value_or(total)));
  }
  // The same of a search that learns: as late as possible, so that it knows what came of others.
  [[nodiscard]] std::optional<Question> AskInTime(std::int64_t configuration) {
    return AskUntil(configuration, std::min(configuration + 1, exhausted_.value_or(kEndless)));
  }
  // The same for a single one out of turn.
  [[nodiscard]] std::optional<Question> AskOne(std::int64_t configuration);
  // The answer; configurations beyond its end do not exist when it is shorter than asked.
  void Add(std::int64_t first, std::int64_t asked, std::vector<Configuration> configurations);
  // The search fails: what it has not answered is to be asked again, should it be mended.
  void Forget();
  void Drop(std::int64_t configuration) { known_.erase(configuration); }
  // The number of configurations, once the search has come to the end of the space.
  [[nodiscard]] std::optional<std::int64_t> Exhausted() const { return exhausted_; }

 private:
  // At 3,000 launches a second these last for a twelfth of a second, and they are 100 KB.
  static constexpr std::int64_t kAhead = 256;
  static constexpr std::int64_t kEndless = std::numeric_limits<std::int64_t>::max();

  [[nodiscard]] bool IsOnItsWay(std::int64_t configuration) const;
  [[nodiscard]] std::optional<Question> AskUntil(std::int64_t configuration, std::int64_t end);

  std::map<std::int64_t, Configuration> known_;
  std::set<std::int64_t> asked_again_;
  std::map<std::int64_t, std::int64_t> unanswered_;  // questions in turn: end, by first
  std::int64_t asked_until_ = 0;
  std::optional<std::int64_t> exhausted_;
};

}  // namespace ddl
