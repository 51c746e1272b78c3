// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/search.h"

#include <algorithm>
#include <utility>

#include "configs/allowed_sampling.h"
#include "configs/grid.h"
#include "configs/initial_points.h"
#include "scheduler/search/learning_search.h"
#include "scheduler/search/sobol.h"

namespace ddl {

namespace {

// The initial points, then the other points of the grid.
class GridSearch : public Search {
 public:
  explicit GridSearch(const SweepSpec& spec)
      : grid_(spec.space, spec.constraints), size_(grid_.Size().value_or(kOpenEnded)) {
    for (Configuration& point : InitialPoints(spec)) {
      const std::optional<std::int64_t> index = grid_.IndexOf(point);
      if (!index || std::ranges::find(initial_, *index) != initial_.end()) continue;
      initial_.push_back(*index);
    }
    in_order_ = initial_;
    std::ranges::sort(in_order_);
  }

  std::vector<Configuration> Propose(std::int64_t first, std::int64_t count) override {
    std::vector<Configuration> proposed;
    const std::int64_t end = first + std::min(count, size_ - std::min(first, size_));
    for (std::int64_t i = first; i < end; ++i) {
      proposed.push_back(grid_.Point(IndexAt(i)));
    }
    return proposed;
  }

 private:
  [[nodiscard]] std::int64_t IndexAt(std::int64_t number) const {
    if (number < std::ssize(initial_)) return initial_[static_cast<std::size_t>(number)];
    std::int64_t index = number - std::ssize(initial_);
    for (const std::int64_t passed : in_order_) {
      if (passed <= index) ++index;
    }
    return index;
  }

  Grid grid_;
  std::int64_t size_;
  std::vector<std::int64_t> initial_;   // their indices, in their own order
  std::vector<std::int64_t> in_order_;  // the same, rising
};

// Numbers first … first + count - 1: the initial points, then what `find` gives for a number, up to
// where it finds nothing.
template <class Find>
std::vector<Configuration> InitialThen(const std::vector<Configuration>& initial,
                                       std::int64_t first, std::int64_t count, Find find) {
  std::vector<Configuration> proposed;
  proposed.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = first; i < first + count; ++i) {
    std::optional<Configuration> next =
        i < std::ssize(initial) ? initial[static_cast<std::size_t>(i)] : find(i);
    if (!next) break;
    proposed.push_back(std::move(*next));
  }
  return proposed;
}

// The initial points, then number n of the random stream: what follows is not moved by them.
class RandomSearch : public Search {
 public:
  explicit RandomSearch(const SweepSpec& spec)
      : space_(spec.space),
        conditions_(spec.space, spec.constraints),
        seed_(spec.search_seed),
        initial_(InitialPoints(spec)) {}

  std::vector<Configuration> Propose(std::int64_t first, std::int64_t count) override {
    return InitialThen(initial_, first, count, [this](std::int64_t number) {
      return SampleAllowed(space_, conditions_, seed_, number);
    });
  }

 private:
  Space space_;
  Conditions conditions_;
  std::uint64_t seed_;
  std::vector<Configuration> initial_;
};

// The initial points, then the allowed points of the sequence, one after the other. Which those are
// is found by walking the sequence once, from its beginning.
class SobolSearch : public Search {
 public:
  explicit SobolSearch(const SweepSpec& spec)
      : space_(spec.space),
        conditions_(spec.space, spec.constraints),
        sequence_(CubeDimensions(space_), spec.search_seed),
        initial_(InitialPoints(spec)) {}

  std::vector<Configuration> Propose(std::int64_t first, std::int64_t count) override {
    return InitialThen(initial_, first, count, [this](std::int64_t number) {
      return Allowed(number - std::ssize(initial_));
    });
  }

 private:
  [[nodiscard]] Configuration PointAt(std::int64_t index) {
    return conditions_.Complete(PointOfCube(space_, sequence_.Point(index)));
  }
  // Allowed point number `number`.
  std::optional<Configuration> Allowed(std::int64_t number) {
    if (conditions_.AreNone()) return PointAt(number);
    while (!is_exhausted_ && std::ssize(allowed_) <= number) {
      FindNext();
    }
    if (std::ssize(allowed_) <= number) return std::nullopt;
    return PointAt(allowed_[static_cast<std::size_t>(number)]);
  }
  void FindNext() {
    const std::int64_t begin = allowed_.empty() ? 0 : allowed_.back() + 1;
    for (std::int64_t index = begin; index < begin + kMostDraws; ++index) {
      if (conditions_.Allows(PointAt(index))) return allowed_.push_back(index);
    }
    is_exhausted_ = true;
  }

  Space space_;
  Conditions conditions_;
  SobolSequence sequence_;
  std::vector<Configuration> initial_;
  std::vector<std::int64_t> allowed_;  // indices of the sequence
  bool is_exhausted_ = false;
};

}  // namespace

std::unique_ptr<Search> MakeSearch(const SweepSpec& spec, const std::vector<SearchStep>& steps,
                                   std::stop_token stop) {
  if (Learns(spec.method)) {
    return std::make_unique<LearningSearch>(spec, steps, std::move(stop));
  }
  if (spec.method == Method::kGrid) return std::make_unique<GridSearch>(spec);
  if (spec.method == Method::kSobol) return std::make_unique<SobolSearch>(spec);
  return std::make_unique<RandomSearch>(spec);
}

std::int64_t PlannedTrials(const SweepSpec& spec) {
  std::int64_t planned = kOpenEnded;
  if (spec.method == Method::kGrid) {
    const std::int64_t size = Grid(spec.space, spec.constraints).Size().value_or(kOpenEnded);
    planned = size > kOpenEnded / spec.seeds ? kOpenEnded : size * spec.seeds;
  }
  return std::min(planned, spec.run_cap.value_or(kOpenEnded));
}

}  // namespace ddl
