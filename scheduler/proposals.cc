// SPDX-License-Identifier: Apache-2.0
#include "scheduler/proposals.h"

#include <iterator>

namespace ddl {

const Configuration* Proposals::Find(std::int64_t configuration) const {
  const auto found = known_.find(configuration);
  return found == known_.end() ? nullptr : &found->second;
}

std::optional<Proposals::Question> Proposals::AskUntil(std::int64_t configuration,
                                                       std::int64_t end) {
  const bool was_dropped = configuration < asked_until_ && !known_.contains(configuration);
  if (was_dropped && !IsOnItsWay(configuration)) return AskOne(configuration);
  if (end <= asked_until_) return std::nullopt;
  // Half a window at a time: asking for each single one would cost a message a trial.
  const bool is_urgent = configuration >= asked_until_ || end < configuration + kAhead;
  if (!is_urgent && end - asked_until_ < kAhead / 2) return std::nullopt;
  const Question question{asked_until_, end - asked_until_};
  unanswered_[asked_until_] = end;
  asked_until_ = end;
  return question;
}

std::optional<Proposals::Question> Proposals::AskOne(std::int64_t configuration) {
  if (known_.contains(configuration) || IsOnItsWay(configuration)) return std::nullopt;
  if (!asked_again_.insert(configuration).second) return std::nullopt;
  return Question{configuration, 1};
}

bool Proposals::IsOnItsWay(std::int64_t configuration) const {
  const auto later = unanswered_.upper_bound(configuration);
  return later != unanswered_.begin() && configuration < std::prev(later)->second;
}

void Proposals::Forget() {
  if (!unanswered_.empty()) asked_until_ = std::min(asked_until_, unanswered_.begin()->first);
  unanswered_.clear();
  asked_again_.clear();
}

void Proposals::Add(std::int64_t first, std::int64_t asked,
                    std::vector<Configuration> configurations) {
  const auto question = unanswered_.find(first);
  if (question != unanswered_.end() && question->second == first + asked) {
    unanswered_.erase(question);
    if (std::ssize(configurations) < asked) exhausted_ = first + std::ssize(configurations);
  }
  for (Configuration& configuration : configurations) {
    asked_again_.erase(first);
    known_.insert_or_assign(first++, std::move(configuration));
  }
}

}  // namespace ddl
