// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/search.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "configs/sampling.h"
#include "scheduler/search/learning_search.h"
#include "scheduler/search/sobol.h"

namespace ddl {

namespace {

class GridSearch : public Search {
 public:
  explicit GridSearch(Space space)
      : space_(std::move(space)), size_(GridSize(space_).value_or(kOpenEnded)) {}

  std::vector<Configuration> Propose(std::int64_t first, std::int64_t count) override {
    std::vector<Configuration> proposed;
    const std::int64_t end = first + std::min(count, size_ - std::min(first, size_));
    for (std::int64_t i = first; i < end; ++i) {
      proposed.push_back(GridPoint(space_, i));
    }
    return proposed;
  }

 private:
  Space space_;
  std::int64_t size_;
};

class RandomSearch : public Search {
 public:
  RandomSearch(Space space, std::uint64_t seed) : space_(std::move(space)), seed_(seed) {}

  std::vector<Configuration> Propose(std::int64_t first, std::int64_t count) override {
    std::vector<Configuration> proposed;
    proposed.reserve(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) {
      proposed.push_back(SamplePoint(space_, seed_, first + i));
    }
    return proposed;
  }

 private:
  Space space_;
  std::uint64_t seed_;
};

class SobolSearch : public Search {
 public:
  SobolSearch(Space space, std::uint64_t seed)
      : space_(std::move(space)), sequence_(CubeDimensions(space_), seed) {}

  std::vector<Configuration> Propose(std::int64_t first, std::int64_t count) override {
    std::vector<Configuration> proposed;
    proposed.reserve(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) {
      proposed.push_back(PointOfCube(space_, sequence_.Point(first + i)));
    }
    return proposed;
  }

 private:
  Space space_;
  SobolSequence sequence_;
};

}  // namespace

std::unique_ptr<Search> MakeSearch(const SweepSpec& spec, const std::vector<SearchStep>& steps) {
  if (Learns(spec.method)) return std::make_unique<LearningSearch>(spec, steps);
  if (spec.method == Method::kGrid) return std::make_unique<GridSearch>(spec.space);
  if (spec.method == Method::kSobol) {
    return std::make_unique<SobolSearch>(spec.space, spec.search_seed);
  }
  return std::make_unique<RandomSearch>(spec.space, spec.search_seed);
}

std::int64_t PlannedTrials(const SweepSpec& spec) {
  std::int64_t planned = kOpenEnded;
  if (spec.method == Method::kGrid) {
    const std::int64_t size = GridSize(spec.space).value_or(kOpenEnded);
    planned = size > kOpenEnded / spec.seeds ? kOpenEnded : size * spec.seeds;
  }
  return std::min(planned, spec.run_cap.value_or(kOpenEnded));
}

}  // namespace ddl
