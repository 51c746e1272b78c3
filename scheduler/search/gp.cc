// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/gp.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "configs/error.h"
#include "scheduler/search/counter_draws.h"
#include "scheduler/search/domain.h"
#include "scheduler/search/gp_acquisition.h"
#include "scheduler/search/gp_features.h"
#include "scheduler/search/gp_model.h"
#include "scheduler/search/gp_targets.h"
#include "scheduler/search/sobol.h"
#include "scheduler/search/tpe.h"

namespace ddl {

namespace {

constexpr std::size_t kMostFitted = 250;    // observations that hyper-parameters are fitted to
constexpr std::size_t kMostCompared = 100;  // that the choice of targets rests on
constexpr std::size_t kMostPending = 200;
constexpr std::size_t kIncumbents = 5;
constexpr std::uint64_t kGpPurpose = 0x6770;
constexpr double kBeside = 1e-3;  // of a range
// Both found on the tuning functions of bench/search: from this share of the targets' variance on
// that the model takes for noise, it proposes one in so many, and tpe the others.
constexpr double kMuchNoise = 0.02;
constexpr std::int64_t kOwnTurn = 4;

struct GpObservation {
  std::int64_t number = 0;
  Point point;  // NaN where a parameter is absent
  Outcome outcome;
};

class Gp : public AdaptiveSearch {
 public:
  explicit Gp(SearchProblem problem);
  std::optional<Configuration> Propose(std::int64_t number) override;
  void Take(std::int64_t number, const Configuration& configuration) override;
  void Tell(std::int64_t number, const Outcome& outcome) override;
  [[nodiscard]] std::string Note() const override;

 private:
  // Observations by place, with values for those that have none.
  struct Chosen {
    std::vector<std::size_t> places;
    std::vector<double> values;
  };

  void Learn();
  [[nodiscard]] std::size_t FirstPoints() const;
  [[nodiscard]] std::optional<Configuration> FirstPoint(std::int64_t number);
  [[nodiscard]] Chosen Choose(std::size_t arrived, std::size_t most) const;
  [[nodiscard]] GpObservations Modelled(const Chosen& chosen, double shift) const;
  [[nodiscard]] double BestShift(std::size_t arrived) const;
  void Fit();
  [[nodiscard]] double NoiseOfFinished(const Chosen& chosen, int evaluations) const;
  [[nodiscard]] bool IsInDoubt() const;
  [[nodiscard]] GpPosterior WithPending(GpPosterior posterior) const;
  [[nodiscard]] bool IsBesideRunning(const Configuration& configuration) const;
  [[nodiscard]] std::optional<Configuration> FirstAllowed(
      const std::vector<GpCandidate>& candidates) const;
  [[nodiscard]] Point Complete(Point point) const;

  SearchProblem problem_;
  Domain domain_;
  GpFeatures features_;
  SobolSequence sobol_;
  std::unique_ptr<AdaptiveSearch> densities_;  // knows all that this one knows
  std::map<std::int64_t, Point> running_;
  std::map<std::int64_t, Outcome> told_;     // not yet learnt
  std::vector<GpObservation> observations_;  // as they came
  std::map<std::int64_t, std::size_t> places_;
  std::size_t finished_ = 0;
  std::size_t compared_ = 0;  // as fitted_, of shift_
  std::size_t fitted_ = 0;    // observations that had come when scales_ were fitted; 0: never
  GpScales scales_;
  double noise_ = 0;         // of finished ones, as a share of how they differ
  double shift_ = kNoShift;  // of the targets
};

Gp::Gp(SearchProblem problem)
    : problem_(std::move(problem)),
      domain_(problem_.space),
      features_(domain_),
      sobol_(domain_.Dimensions().size(), problem_.seed) {
  if (problem_.objectives > 1) {
    throw Error("gp has one objective", "method", "use nsga2 or tpe for several metrics");
  }
  densities_ = MakeTpe(problem_);
}

// Points of a Sobol sequence before the first model.
std::size_t Gp::FirstPoints() const {
  const std::size_t wanted = std::clamp<std::size_t>(domain_.Dimensions().size() + 3, 5, 20);
  const auto budget = static_cast<std::size_t>(problem_.budget);
  return budget > 0 ? std::clamp<std::size_t>(budget / 4, 3, wanted) : wanted;
}

std::optional<Configuration> Gp::FirstPoint(std::int64_t number) {
  constexpr std::int64_t kFurther = 1 << 20;
  for (std::int64_t attempt = 0; attempt < 1000; ++attempt) {
    Point point = sobol_.Point(attempt == 0 ? number : number * 1000 + attempt + kFurther);
    for (std::size_t i = 0; i < point.size(); ++i) {
      if (domain_.Dimensions()[i].is_categorical) point[i] = domain_.CategoryAt(i, point[i]);
    }
    Configuration configuration = domain_.Decode(point);
    if (problem_.is_allowed(configuration)) return configuration;
  }
  return std::nullopt;
}

void Gp::Take(std::int64_t number, const Configuration& configuration) {
  Learn();
  running_[number] = domain_.Encode(configuration);
  densities_->Take(number, configuration);
}

void Gp::Tell(std::int64_t number, const Outcome& outcome) {
  told_[number] = outcome;
  densities_->Tell(number, outcome);
}

std::string Gp::Note() const {
  // No figure that changes with each result: a note is told whenever it is new.
  std::string note;
  if (observations_.size() > kMostGpObservations) {
    note = "gp learns from " + std::to_string(kMostGpObservations) +
           " of its results from now on: the best, and of the others some evenly by rank";
  }
  if (IsInDoubt()) {
    note += note.empty() ? "" : "; ";
    note += "gp foretells little of how results differ: three of four proposals are tpe's";
  }
  return note;
}

void Gp::Learn() {
  for (auto& [number, outcome] : std::exchange(told_, {})) {
    const auto known = places_.find(number);
    const auto running = running_.find(number);
    const bool is_canceled = outcome.kind == Outcome::Kind::kCanceled;
    if (known != places_.end() && !is_canceled) {
      Outcome& before = observations_[known->second].outcome;
      finished_ -= before.kind == Outcome::Kind::kFinished ? 1 : 0;
      finished_ += outcome.kind == Outcome::Kind::kFinished ? 1 : 0;
      before = outcome;
      fitted_ = compared_ = 0;
    } else if (running != running_.end()) {
      if (!is_canceled) {
        places_[number] = observations_.size();
        observations_.push_back({number, std::move(running->second), outcome});
        finished_ += outcome.kind == Outcome::Kind::kFinished ? 1 : 0;
      }
      running_.erase(running);
    }
  }
}

// Of the first `arrived` ones at most `most`: those with the best values, and of the rest evenly by
// rank. What failed is as bad as the worst that finished; what was stopped early is as its last
// value, but no better than the middle of those that finished.
Gp::Chosen Gp::Choose(std::size_t arrived, std::size_t most) const {
  std::vector<double> finished;
  for (std::size_t i = 0; i < arrived; ++i) {
    const Outcome& outcome = observations_[i].outcome;
    if (outcome.kind == Outcome::Kind::kFinished) finished.push_back(outcome.values.front());
  }
  std::ranges::sort(finished);
  const double middle = finished.empty() ? 0 : finished[finished.size() / 2];
  const double worst = finished.empty() ? 0 : finished.back();
  std::vector<double> values;
  for (std::size_t i = 0; i < arrived; ++i) {
    const Outcome& outcome = observations_[i].outcome;
    const bool has_value = !outcome.values.empty();
    switch (outcome.kind) {
      case Outcome::Kind::kFinished:
        values.push_back(outcome.values.front());
        break;
      case Outcome::Kind::kPruned:
        values.push_back(has_value ? std::clamp(outcome.values.front(), middle, worst) : worst);
        break;
      default:
        values.push_back(worst);
    }
  }
  std::vector<std::size_t> ranked(arrived);
  std::iota(ranked.begin(), ranked.end(), std::size_t{0});
  if (arrived > most) {
    std::ranges::stable_sort(ranked, {}, [&values](std::size_t i) { return values[i]; });
    const std::size_t best = most / 2;
    const std::size_t others = most - best;
    for (std::size_t i = 0; i < others; ++i)
      ranked[best + i] = ranked[best + i * (arrived - best) / others];
    ranked.resize(most);
  }
  Chosen chosen;
  for (const std::size_t place : ranked) {
    chosen.places.push_back(place);
    chosen.values.push_back(values[place]);
  }
  return chosen;
}

GpObservations Gp::Modelled(const Chosen& chosen, double shift) const {
  GpObservations modelled;
  modelled.owners = features_.Owners();
  modelled.dimensions = features_.Dimensions();
  modelled.features.resize(std::ssize(chosen.places), std::ssize(features_.Owners()));
  for (std::size_t i = 0; i < chosen.places.size(); ++i) {
    modelled.features.row(static_cast<Eigen::Index>(i)) =
        features_.Of(observations_[chosen.places[i]].point);
  }
  modelled.targets = GpTargetsOf(chosen.values, shift).targets;
  return modelled;
}

// Under which the values are the likeliest (E. Snelson, C. E. Rasmussen, Z. Ghahramani, "Warped
// Gaussian processes", 2003).
double Gp::BestShift(std::size_t arrived) const {
  const Chosen chosen = Choose(arrived, kMostCompared);
  double best = kNoShift;
  double best_evidence = -std::numeric_limits<double>::infinity();
  for (const double shift : GpShifts(chosen.values)) {
    const GpObservations observations = Modelled(chosen, shift);
    const GpScales scales = FitGpScales(observations, 30);
    const double evidence =
        GpEvidence(observations, scales, nullptr) + GpTargetsOf(chosen.values, shift).log_slope;
    if (evidence <= best_evidence) continue;
    best = shift;
    best_evidence = evidence;
  }
  return best;
}

// The largest multiple of a power of two, about a `part`th of it, that is not above `count`.
std::size_t LastOccasion(std::size_t count, std::size_t part, std::size_t longest) {
  const std::size_t step = std::clamp<std::size_t>(std::bit_floor(count) / part, 1, longest);
  return count - count % step;
}

// Fitted anew whenever their number has grown by about a sixteenth, from the same start and to what
// had come by then: what they are follows from the observations alone, also after a restart.
void Gp::Fit() {
  constexpr std::size_t kSmall = 64;
  const std::size_t compared = LastOccasion(observations_.size(), 4, 128);
  if (compared_ != compared) shift_ = BestShift(compared);
  compared_ = compared;
  const std::size_t arrived = LastOccasion(observations_.size(), 16, 32);
  if (fitted_ == arrived) return;
  const Chosen chosen = Choose(arrived, kMostFitted);
  const GpObservations fitted = Modelled(chosen, shift_);
  const int evaluations = arrived <= kSmall ? 40 : 25;
  scales_ = FitGpScales(fitted, evaluations);
  noise_ = NoiseOfFinished(chosen, evaluations);
  fitted_ = arrived;
}

// Share of the variance of finished results. What failed or was pruned has a made-up value, which
// would look like noise where it stands beside finished ones.
double Gp::NoiseOfFinished(const Chosen& chosen, int evaluations) const {
  Chosen finished;
  for (std::size_t i = 0; i < chosen.places.size(); ++i) {
    if (observations_[chosen.places[i]].outcome.kind != Outcome::Kind::kFinished) continue;
    finished.places.push_back(chosen.places[i]);
    finished.values.push_back(chosen.values[i]);
  }
  if (finished.places.size() == chosen.places.size()) return std::exp(scales_.log_noise);
  if (finished.places.size() < FirstPoints()) return 0;  // nothing is known yet
  return std::exp(FitGpScales(Modelled(finished, shift_), evaluations).log_noise);
}

// Values are rough beyond what the model explains, or noisy. The tops of its expectation then mean
// little, and proposing them again and again costs evaluations that the densities of the best
// points use better.
bool Gp::IsInDoubt() const {
  return fitted_ > 0 && noise_ > kMuchNoise;
}

// Takes what runs for told, with the value that the model expects (D. Ginsbourger, R. Le Riche,
// L. Carraro, "Kriging is well-suited to parallelize optimization", 2010: the believer).
GpPosterior Gp::WithPending(GpPosterior posterior) const {
  if (running_.empty()) return posterior;
  const GpObservations& told = posterior.Observations();
  const auto pending = static_cast<Eigen::Index>(std::min(kMostPending, running_.size()));
  Eigen::MatrixXd features(pending, told.features.cols());
  auto running = running_.begin();
  for (Eigen::Index i = 0; i < pending; ++i, ++running)
    features.row(i) = features_.Of(running->second);
  Eigen::VectorXd means;
  Eigen::VectorXd deviations;
  posterior.Predict(features, means, deviations);
  GpObservations all = told;
  const Eigen::Index n = told.features.rows();
  all.features.conservativeResize(n + pending, Eigen::NoChange);
  all.features.bottomRows(pending) = features;
  all.targets.conservativeResize(n + pending);
  all.targets.tail(pending) = means;
  return {std::move(all), posterior.Scales()};
}

// With a coordinate in place of each that is absent, or that nothing proposes.
Point Gp::Complete(Point point) const {
  for (std::size_t i = 0; i < point.size(); ++i) {
    if (!std::isnan(point[i]) && domain_.MayDraw(i, point[i])) continue;
    point[i] = domain_.Dimensions()[i].is_categorical ? domain_.CategoryAt(i, 0.5) : 0.5;
  }
  return point;
}

bool Gp::IsBesideRunning(const Configuration& configuration) const {
  if (running_.empty()) return false;
  const Point point = domain_.Encode(configuration);
  return std::ranges::any_of(running_, [&point](const auto& running) {
    return std::ranges::equal(point, running.second, [](double a, double b) {
      return std::isnan(a) ? std::isnan(b) : std::abs(a - b) <= kBeside;
    });
  });
}

// Where the model is nearly certain, its best guesses crowd about one point. What runs there will
// tell enough of it, so others come first.
std::optional<Configuration> Gp::FirstAllowed(const std::vector<GpCandidate>& candidates) const {
  std::optional<Configuration> beside;
  for (const GpCandidate& candidate : candidates) {
    Configuration configuration = domain_.Decode(candidate.point);
    if (!problem_.is_allowed(configuration)) continue;
    if (!IsBesideRunning(configuration)) return configuration;
    if (!beside) beside = std::move(configuration);
  }
  return beside;
}

std::optional<Configuration> Gp::Propose(std::int64_t number) {
  Learn();
  if (finished_ < 2 ||
      (finished_ < FirstPoints() && number < static_cast<std::int64_t>(FirstPoints()))) {
    return FirstPoint(number);
  }
  Fit();
  if (IsInDoubt() && number % kOwnTurn != 0) {
    if (auto proposed = densities_->Propose(number)) return proposed;
  }
  const std::size_t pending = std::min(kMostPending, running_.size());
  const Chosen chosen = Choose(observations_.size(), kMostGpObservations - pending);
  const GpPosterior told(Modelled(chosen, shift_), scales_);
  const Eigen::VectorXd smoothed = told.SmoothedTargets();
  std::vector<Eigen::Index> ranked(static_cast<std::size_t>(smoothed.size()));
  std::iota(ranked.begin(), ranked.end(), Eigen::Index{0});
  std::ranges::stable_sort(ranked, {}, [&smoothed](Eigen::Index i) { return smoothed[i]; });
  std::vector<Point> incumbents;
  for (std::size_t i = 0; i < std::min(kIncumbents, ranked.size()); ++i) {
    const std::size_t place = chosen.places[static_cast<std::size_t>(ranked[i])];
    incumbents.push_back(Complete(observations_[place].point));
  }
  const GpPosterior posterior = WithPending(told);
  const GpAcquisition acquisition(domain_, features_, posterior, smoothed.minCoeff());
  CounterDraws draws(problem_.seed, static_cast<std::uint64_t>(number), kGpPurpose);
  if (auto best = FirstAllowed(acquisition.Search(incumbents, draws))) return best;
  return FirstPoint(number);
}

}  // namespace

std::unique_ptr<AdaptiveSearch> MakeGp(SearchProblem problem) {
  return std::make_unique<Gp>(std::move(problem));
}

}  // namespace ddl
