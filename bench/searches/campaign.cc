// SPDX-License-Identifier: Apache-2.0
#include "bench/searches/campaign.h"

#include <algorithm>
#include <set>
#include <utility>

#include "configs/sampling.h"
#include "scheduler/search/make_adaptive.h"
#include "scheduler/search/search.h"

namespace ddl::bench {

namespace {

class Enumerated : public Proposer {
 public:
  explicit Enumerated(std::unique_ptr<Search> search) : search_(std::move(search)) {}
  std::optional<Configuration> Propose(std::int64_t number) override {
    std::vector<Configuration> proposed = search_->Propose(number, 1);
    if (proposed.empty()) return std::nullopt;
    return std::move(proposed.front());
  }
  void Take(std::int64_t, const Configuration&) override {}
  void Tell(std::int64_t, const Outcome&) override {}

 private:
  std::unique_ptr<Search> search_;
};

class Adaptive : public Proposer {
 public:
  explicit Adaptive(std::unique_ptr<AdaptiveSearch> search) : search_(std::move(search)) {}
  std::optional<Configuration> Propose(std::int64_t number) override {
    return search_->Propose(number);
  }
  void Take(std::int64_t number, const Configuration& configuration) override {
    search_->Take(number, configuration);
  }
  void Tell(std::int64_t number, const Outcome& outcome) override {
    search_->Tell(number, outcome);
  }

 private:
  std::unique_ptr<AdaptiveSearch> search_;
};

struct Running {
  double end = 0;
  std::int64_t number = 0;
  std::vector<double> values;
  auto operator<=>(const Running&) const = default;
};

// One run: which points are taken, which run, and when they end.
class Run {
 public:
  Run(const Problem& problem, const Campaign& campaign)
      : problem_(problem), campaign_(campaign), proposer_(MakeProposer(campaign.method, About())) {}

  std::vector<std::vector<double>> Told() {
    std::vector<std::vector<double>> told;
    while (std::ssize(told) < campaign_.evaluations) {
      while (std::ssize(running_) < campaign_.at_once && next_ < campaign_.evaluations) {
        if (!Start()) break;
      }
      if (running_.empty()) break;
      do {
        told.push_back(TellNext());
      } while (campaign_.in_rounds && !running_.empty());
    }
    return told;
  }

 private:
  SearchProblem About() {
    SearchProblem about{.space = problem_.space,
                        .seed = campaign_.seed,
                        .objectives = problem_.objectives,
                        .budget = campaign_.evaluations};
    about.is_allowed = [this](const Configuration& point) { return IsNew(point); };
    return about;
  }

  [[nodiscard]] bool IsNew(const Configuration& point) const {
    return problem_.exists(point) && !taken_.contains(DumpJson(point));
  }

  // Of the trial that ends first its values.
  std::vector<double> TellNext() {
    const Running ended = *running_.begin();
    running_.erase(running_.begin());
    now_ = ended.end;
    proposer_->Tell(ended.number, {.values = ended.values});
    return ended.values;
  }

  // As a sweep does where a search finds nothing by itself.
  std::optional<Configuration> Drawn() {
    constexpr std::int64_t kTries = 1'000'000;
    for (std::int64_t i = 0; i < kTries; ++i) {
      Configuration drawn = SamplePoint(problem_.space, ~campaign_.seed, draws_++);
      if (IsNew(drawn)) return drawn;
    }
    return std::nullopt;
  }

  bool Start() {
    std::optional<Configuration> point = proposer_->Propose(next_);
    if (!point || !IsNew(*point)) point = Drawn();
    if (!point) return false;
    taken_.insert(DumpJson(*point));
    proposer_->Take(next_, *point);
    const double seconds = 0.5 + UniformAt(campaign_.seed, 77, static_cast<std::uint64_t>(next_));
    running_.insert({now_ + seconds, next_, problem_.values(*point)});
    ++next_;
    return true;
  }

  const Problem& problem_;
  Campaign campaign_;
  std::set<std::string> taken_;
  std::unique_ptr<Proposer> proposer_;
  std::set<Running> running_;
  std::int64_t next_ = 0;
  std::int64_t draws_ = 0;
  double now_ = 0;
};

}  // namespace

std::unique_ptr<Proposer> MakeProposer(const std::string& method, SearchProblem problem) {
  if (method == "random" || method == "sobol") {
    SweepSpec spec;
    spec.method = method == "sobol" ? Method::kSobol : Method::kRandom;
    spec.space = std::move(problem.space);
    spec.search_seed = problem.seed;
    return std::make_unique<Enumerated>(MakeSearch(spec));
  }
  std::unique_ptr<AdaptiveSearch> search = MakeAdaptiveSearch(method, std::move(problem));
  if (!search) return nullptr;
  return std::make_unique<Adaptive>(std::move(search));
}

std::vector<std::vector<double>> Evaluate(const Problem& problem, const Campaign& campaign) {
  return Run(problem, campaign).Told();
}

}  // namespace ddl::bench
