// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/pbt.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "configs/allowed_sampling.h"
#include "scheduler/search/counter_draws.h"
#include "scheduler/search/domain.h"
#include "scheduler/search/pbt_moves.h"

namespace ddl {

namespace {

constexpr std::uint64_t kFirstStream = 0x7062742066697273U;
constexpr std::uint64_t kDonorPurpose = 1;
constexpr std::uint64_t kMovePurpose = 2;
constexpr std::int64_t kPbtTries = 100;  // for a configuration that is allowed

class PbtSearch : public AdaptiveSearch {
 public:
  PbtSearch(SearchProblem problem, const PbtSettings& settings)
      : problem_(std::move(problem)), settings_(settings), domain_(problem_.space) {}

  std::optional<Configuration> Propose(std::int64_t number) override {
    proposed_parent_.reset();
    if (settings_.GenerationOf(number) == 0) return Fresh(number);
    const std::set<std::int64_t>& ready = ready_[settings_.GenerationOf(number) - 1];
    if (ready.empty()) return std::nullopt;
    return GoOn(number, *ready.begin());
  }

  std::optional<std::int64_t> ParentOfProposal() const override { return proposed_parent_; }

  void Take(std::int64_t number, const Configuration& configuration) override {
    segments_.resize(static_cast<std::size_t>(number) + 1);
    segments_.back().configuration = configuration;
    const std::int64_t generation = settings_.GenerationOf(number);
    if (generation == 0) return;
    // Whose place it takes is the same whoever chose the configuration.
    std::set<std::int64_t>& ready = ready_[generation - 1];
    if (!ready.empty()) ready.erase(ready.begin());
  }

  void Tell(std::int64_t number, const Outcome& outcome) override {
    Segment& segment = segments_[static_cast<std::size_t>(number)];
    const bool has_value = outcome.kind == Outcome::Kind::kFinished && !outcome.values.empty();
    segment.value = has_value ? std::optional(outcome.values.front()) : std::nullopt;
    if (!std::exchange(segment.is_told, true)) {
      ready_[settings_.GenerationOf(number)].insert(number);
    }
  }

 private:
  struct Segment {
    Configuration configuration;
    std::optional<double> value;  // lower is better; none: it failed, or has not been told yet
    bool is_told = false;
  };

  [[nodiscard]] const Segment& Of(std::int64_t number) const {
    return segments_[static_cast<std::size_t>(number)];
  }

  // Those of a generation that have a value, the best first; of equals the earlier.
  [[nodiscard]] std::vector<std::int64_t> Ranked(std::int64_t generation) const {
    std::vector<std::int64_t> ranked;
    const std::int64_t first = generation * settings_.population;
    const std::int64_t end = std::min(first + settings_.population, std::ssize(segments_));
    for (std::int64_t number = first; number < end; ++number) {
      if (Of(number).value) ranked.push_back(number);
    }
    std::ranges::stable_sort(
        ranked, [this](std::int64_t a, std::int64_t b) { return *Of(a).value < *Of(b).value; });
    return ranked;
  }

  // `own` has come to the end of its segment; the member that it was goes on as `number`.
  std::optional<Configuration> GoOn(std::int64_t number, std::int64_t own) {
    std::int64_t generation = settings_.GenerationOf(own);
    std::vector<std::int64_t> ranked = Ranked(generation);
    const auto share =
        static_cast<std::int64_t>(settings_.quantile * static_cast<double>(std::ssize(ranked)));
    const auto place = std::ranges::find(ranked, own) - ranked.begin();
    const bool has_value = place < std::ssize(ranked);
    if (has_value && place < std::ssize(ranked) - share) {
      proposed_parent_ = own;
      return Of(own).configuration;
    }
    // Of a generation in which nothing came to a value yet the one before has to do.
    while (ranked.empty() && generation > 0)
      ranked = Ranked(--generation);
    if (ranked.empty()) return Fresh(number);
    const std::int64_t best = std::max<std::int64_t>(1, share);
    const std::int64_t donor = DrawFrom(ranked, std::min(best, std::ssize(ranked)), number);
    proposed_parent_ = donor;
    return Near(Of(donor).configuration, number);
  }

  [[nodiscard]] std::int64_t DrawFrom(const std::vector<std::int64_t>& ranked, std::int64_t count,
                                      std::int64_t number) const {
    CounterDraws draws(problem_.seed, static_cast<std::uint64_t>(number), kDonorPurpose);
    return ranked[static_cast<std::size_t>(draws.Below(count))];
  }

  // The donor's own where nothing near it is allowed.
  [[nodiscard]] Configuration Near(const Configuration& from, std::int64_t number) const {
    CounterDraws draws(problem_.seed, static_cast<std::uint64_t>(number), kMovePurpose);
    for (std::int64_t tries = 0; tries < kPbtTries; ++tries) {
      Configuration moved = Explore(domain_, from, settings_, draws);
      if (problem_.is_allowed(moved)) return moved;
    }
    return from;
  }

  // Where nobody has come to anything that could be gone on from.
  [[nodiscard]] std::optional<Configuration> Fresh(std::int64_t number) const {
    for (std::int64_t tries = 0; tries < kPbtTries; ++tries) {
      std::optional<Configuration> drawn =
          SampleAllowed(problem_.space, domain_.GetConditions(), problem_.seed ^ kFirstStream,
                        number * kPbtTries + tries);
      if (drawn && problem_.is_allowed(*drawn)) return drawn;
    }
    return std::nullopt;
  }

  SearchProblem problem_;
  PbtSettings settings_;
  Domain domain_;
  std::vector<Segment> segments_;
  // By generation: those that were told and are not gone on with yet.
  std::map<std::int64_t, std::set<std::int64_t>> ready_;
  std::optional<std::int64_t> proposed_parent_;
};

}  // namespace

std::unique_ptr<AdaptiveSearch> MakePbt(SearchProblem problem, const PbtSettings& settings) {
  return std::make_unique<PbtSearch>(std::move(problem), settings);
}

}  // namespace ddl
