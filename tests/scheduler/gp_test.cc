// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/gp.h"

#include "search_runs.h"
#include <Eigen/LU>
#include <gtest/gtest.h>

#include "scheduler/search/counter_draws.h"
#include "scheduler/search/gp_acquisition.h"
#include "scheduler/search/gp_features.h"
#include "scheduler/search/gp_improvement.h"
#include "scheduler/search/gp_model.h"
#include "scheduler/search/gp_targets.h"
#include "scheduler/search/tpe.h"

namespace ddl {
namespace gp_test {

GpObservations SomeObservations(Eigen::Index count, int dimensions) {
  GpObservations observations;
  observations.dimensions = dimensions;
  observations.features.resize(count, dimensions);
  CounterDraws draws(1, 2, 3);
  for (double& feature : observations.features.reshaped())
    feature = draws.Uniform();
  for (int i = 0; i < dimensions; ++i)
    observations.owners.push_back(i);
  observations.targets = (4 * observations.features.col(0)).array().sin() +
                         observations.features.col(dimensions - 1).array().square();
  return observations;
}

GpScales SomeScales() {
  return {Eigen::Vector3d(-0.5, 0.1, -0.9), 0.3, -4, -0.7, -0.4};
}

// Rasmussen and Williams (2006), eq. 4.17.
double Matern(double r) {
  const double d = std::sqrt(5.0) * r;
  return (1 + d + 5 * r * r / 3) * std::exp(-d);
}

// With a length a dimension, and the mean of that along each dimension.
double KernelOf(const GpScales& scales, const Eigen::VectorXd& a, const Eigen::VectorXd& b) {
  const Eigen::VectorXd lengths = scales.log_lengths.array().exp();
  const Eigen::VectorXd apart = (a - b).cwiseQuotient(lengths);
  double mean = 0;
  for (const double along : apart)
    mean += Matern(std::abs(along) / std::exp(scales.log_shortening)) /
            static_cast<double>(apart.size());
  return std::exp(scales.log_signal) * Matern(apart.norm()) + std::exp(scales.log_additive) * mean;
}

// Of `scales`' number so-and-so, in the order of the gradient.
GpScales Shifted(GpScales scales, int number, double shift) {
  const auto lengths = static_cast<int>(scales.log_lengths.size());
  if (number < lengths) {
    scales.log_lengths[number] += shift;
    return scales;
  }
  double* others[] = {&scales.log_signal, &scales.log_noise, &scales.log_additive,
                      &scales.log_shortening};
  *others[number - lengths] += shift;
  return scales;
}

TEST(Gp, EvidenceHasTheSlopeOfItsDifferences) {
  const GpObservations observations = SomeObservations(15, 3);
  Eigen::VectorXd slope;
  static_cast<void>(GpEvidence(observations, SomeScales(), &slope));
  const auto evidence = [&](int parameter, double shift) {
    return GpEvidence(observations, Shifted(SomeScales(), parameter, shift), nullptr);
  };
  ASSERT_EQ(slope.size(), 7);
  constexpr double kStep = 1e-5;
  for (int parameter = 0; parameter < 7; ++parameter) {
    const double difference =
        (evidence(parameter, kStep) - evidence(parameter, -kStep)) / 2 / kStep;
    EXPECT_NEAR(slope[parameter], difference, 1e-5 * (1 + std::abs(difference))) << parameter;
  }
}

TEST(Gp, SharesAScaleAmongTheColumnsOfADimension) {
  GpObservations observations = SomeObservations(12, 3);
  observations.owners = {0, 1, 1};
  observations.dimensions = 2;
  const GpScales scales{Eigen::Vector2d(-0.5, 0.2), 0.1, -3, -0.5, -0.3};
  Eigen::VectorXd slope;
  static_cast<void>(GpEvidence(observations, scales, &slope));
  constexpr double kStep = 1e-5;
  const auto at = [&](double shift) {
    return GpEvidence(observations, Shifted(scales, 1, shift), nullptr);
  };
  EXPECT_NEAR(slope[1], (at(kStep) - at(-kStep)) / 2 / kStep, 1e-5);
}

TEST(Gp, PredictsAsTheFormulaSays) {
  const GpObservations observations = SomeObservations(12, 3);
  const GpScales scales = SomeScales();
  Eigen::MatrixXd covariance(12, 12);
  for (int i = 0; i < 12; ++i) {
    for (int j = 0; j < 12; ++j) {
      covariance(i, j) =
          KernelOf(scales, observations.features.row(i), observations.features.row(j));
    }
  }
  covariance.diagonal().array() += std::exp(scales.log_noise);
  const Eigen::Vector3d at(0.3, 0.6, 0.2);
  Eigen::VectorXd kernel(12);
  for (int i = 0; i < 12; ++i)
    kernel[i] = KernelOf(scales, observations.features.row(i), at);
  const Eigen::VectorXd solved = covariance.fullPivLu().solve(kernel);

  const GpPosterior posterior(observations, scales);
  const GpPosterior::Prediction predicted = posterior.PredictWithSlope(at);
  EXPECT_NEAR(predicted.mean, solved.dot(observations.targets), 1e-10);
  EXPECT_NEAR(std::pow(predicted.deviation, 2), KernelOf(scales, at, at) - solved.dot(kernel),
              1e-10);
  Eigen::VectorXd means;
  Eigen::VectorXd deviations;
  posterior.Predict(at.transpose(), means, deviations);
  EXPECT_NEAR(means[0], predicted.mean, 1e-12);
  EXPECT_NEAR(deviations[0], predicted.deviation, 1e-12);
}

TEST(Gp, PredictionsHaveTheSlopeOfTheirDifferences) {
  const GpPosterior posterior(SomeObservations(12, 3), SomeScales());
  const Eigen::Vector3d at(0.3, 0.6, 0.2);
  const GpPosterior::Prediction predicted = posterior.PredictWithSlope(at);
  constexpr double kStep = 1e-5;
  for (int i = 0; i < 3; ++i) {
    const Eigen::Vector3d step = kStep * Eigen::Vector3d::Unit(i);
    const auto above = posterior.PredictWithSlope(at + step);
    const auto below = posterior.PredictWithSlope(at - step);
    EXPECT_NEAR(predicted.mean_slope[i], (above.mean - below.mean) / 2 / kStep, 1e-7);
    EXPECT_NEAR(predicted.deviation_slope[i], (above.deviation - below.deviation) / 2 / kStep,
                1e-7);
  }
}

TEST(Gp, FindsWhichDimensionsMatter) {
  GpObservations observations = SomeObservations(40, 3);
  observations.targets = (7 * observations.features.col(1)).array().sin();
  const GpScales scales = FitGpScales(observations, 40);
  EXPECT_LT(scales.log_lengths[1] + 1, scales.log_lengths[0]);
  EXPECT_LT(scales.log_lengths[1] + 1, scales.log_lengths[2]);
  EXPECT_LT(scales.log_noise, -8);
}

// Rough in each dimension by itself: a hundred points cannot cover five dimensions, but each of
// them.
TEST(Gp, LearnsWhatEachDimensionDoesByItself) {
  const auto rough = [](const Eigen::VectorXd& at) {
    return ((17 * at.array()).sin() + (29 * at.array()).cos()).sum();
  };
  GpObservations observations = SomeObservations(100, 5);
  for (Eigen::Index i = 0; i < 100; ++i)
    observations.targets[i] = rough(observations.features.row(i));
  observations.targets.array() -= observations.targets.mean();
  const double deviation = observations.targets.norm() / 10;
  observations.targets /= deviation;
  GpScales scales = FitGpScales(observations, 40);
  EXPECT_GT(scales.log_additive, scales.log_signal);
  const auto error = [&](const GpScales& of) {
    const GpPosterior posterior(observations, of);
    double squares = 0;
    CounterDraws draws(4, 5, 6);
    const Eigen::VectorXd middle = Eigen::VectorXd::Constant(5, 0.5);
    for (int i = 0; i < 50; ++i) {
      Eigen::VectorXd at(5);
      for (double& coordinate : at)
        coordinate = draws.Uniform();
      const double known = (rough(at) - rough(middle)) / deviation;
      squares += std::pow(
          posterior.PredictWithSlope(at).mean - posterior.PredictWithSlope(middle).mean - known, 2);
    }
    return squares / 50;
  };
  EXPECT_LT(error(scales), 0.3);
  scales.log_signal = scales.log_additive;
  scales.log_additive = -30;
  EXPECT_GT(error(scales), 0.8);
}

TEST(Gp, ClimbsOutOfTheValleysOfSingleParameters) {
  const SearchProblem problem{.space = UnitCube(5), .seed = 4, .budget = 100};
  const Loss loss = [](const Configuration& c) {
    double sum = 0;
    for (int i = 0; i < 5; ++i) {
      const double away = At(c, i) - 0.35 - 0.07 * i;
      sum += 4 * away * away + 0.3 * (1 - std::cos(30 * away + 9 * away * away));
    }
    return sum;
  };
  const auto reached = [&](AdaptiveSearch& search) {
    double least = 1e9;
    for (const Configuration& tried : RunOneByOne(search, loss, 100))
      least = std::min(least, loss(tried));
    return least;
  };
  const double found = reached(*MakeGp(problem));
  EXPECT_LT(found, 0.25);
  EXPECT_LT(2 * found, reached(*MakeTpe(problem)));
}

// By mpmath with 400 digits.
TEST(Gp, LogImprovementIsExactFarOut) {
  struct Known {
    double z, value, slope;
  };
  for (const auto& [z, value, slope] :
       std::vector<Known>{{-38, -730.196183402113739, 38.0525227600413283},
                          {-20, -206.917838509425098, 20.0992628111012818},
                          {-5, -16.7443011626609901, 5.36181624128808853},
                          {-2.0001, -4.76905146970772835, 2.67949892844413254},
                          {-1.9999, -4.76851558633091126, 2.6793348402301223},
                          {-1, -2.48512102571264134, 1.90427123332969182},
                          {0, -0.918938533204672742, 1.25331413731550025},
                          {1, 0.08002621884930694, 0.77663872520173926},
                          {10, 2.30258509299404568, 0.1}}) {
    const LogImprovement improvement = LogExpectedImprovement(z);
    EXPECT_NEAR(improvement.value, value, 1e-13 * (1 + std::abs(value))) << z;
    EXPECT_NEAR(improvement.slope, slope, 1e-12 * slope) << z;
  }
  EXPECT_NEAR(LogExpectedImprovement(-1000).value, -500014.734452091158, 1e-9);
  EXPECT_TRUE(std::isfinite(LogExpectedImprovement(-1e8).value));
}

TEST(Gp, TargetsKeepTheirOrderUnderEveryShift) {
  const std::vector<double> values{3, 1, 1e6, 10, 100, 2};
  for (const double shift : GpShifts(values)) {
    const GpTargets targets = GpTargetsOf(values, shift);
    EXPECT_NEAR(targets.targets.mean(), 0, 1e-12);
    EXPECT_NEAR(targets.targets.squaredNorm(), 6, 1e-9);
    for (std::size_t i = 0; i < values.size(); ++i) {
      for (std::size_t j = 0; j < values.size(); ++j) {
        EXPECT_EQ(values[i] < values[j], targets.targets[static_cast<Eigen::Index>(i)] <
                                             targets.targets[static_cast<Eigen::Index>(j)]);
      }
    }
  }
  EXPECT_EQ(GpTargetsOf({2, 2, 2}, kNoShift).targets, Eigen::Vector3d::Zero());
}

TEST(Gp, KnowsAbsenceFromEveryValue) {
  const Domain domain(SpaceFrom("\n  act: {values: [relu, gelu]}\n  x0: {min: 0.0, max: 1.0}\n"));
  const GpFeatures plain(domain);
  EXPECT_EQ(plain.Of({0, 0.5}).size(), 3);
  EXPECT_NEAR((plain.Of({0, 0.5}) - plain.Of({1, 0.5})).norm(), 1, 1e-12);
  Space space = domain.GetSpace();
  space[1].when = {"act == 'relu'"};
  const Domain conditional(space);
  const GpFeatures features(conditional);
  for (const double x : {0.0, 0.5, 1.0})
    EXPECT_GE((features.Of({0, NAN}) - features.Of({0, x})).norm(), 0.5);
}

TEST(Gp, SaysWhenItLearnsFromAPart) {
  const Space space = UnitCube(2);
  const auto search = MakeGp({.space = space, .seed = 1});
  int number = 0;
  const auto feed = [&](int until) {
    for (; number < until; ++number) {
      const Configuration drawn = SamplePoint(space, 3, number);
      search->Take(number, drawn);
      search->Tell(number, Finished(std::pow(At(drawn, 0) - 0.3, 2) + At(drawn, 1)));
    }
    static_cast<void>(search->Propose(number));
  };
  feed(500);
  EXPECT_EQ(search->Note(), "");
  feed(620);
  EXPECT_NE(search->Note().find("from 500 of its results"), std::string::npos) << search->Note();
  const Configuration proposed = search->Propose(number).value();
  EXPECT_NEAR(At(proposed, 0), 0.3, 0.2);
  EXPECT_NEAR(At(proposed, 1), 0, 0.2);
}

TEST(Gp, LeavesMostOfWhatItCannotForetellToTpe) {
  const SearchProblem problem{.space = UnitCube(3), .seed = 4};
  const auto gp = MakeGp(problem);
  const auto tpe = MakeTpe(problem);
  // Values that have nothing to do with their places.
  for (int number = 0; number < 40; ++number) {
    const Configuration drawn = SamplePoint(problem.space, 3, number);
    const double value = CounterDraws(7, static_cast<std::uint64_t>(number), 1).Uniform();
    for (AdaptiveSearch* search : {gp.get(), tpe.get()}) {
      search->Take(number, drawn);
      search->Tell(number, Finished(value));
    }
  }
  EXPECT_NE(gp->Propose(40), tpe->Propose(40));
  for (int number = 41; number < 44; ++number)
    EXPECT_EQ(gp->Propose(number), tpe->Propose(number)) << number;
  EXPECT_NE(gp->Propose(44), tpe->Propose(44));
  EXPECT_NE(gp->Note().find("three of four proposals are tpe's"), std::string::npos) << gp->Note();
}

TEST(Gp, TakesFailuresForNoNoise) {
  const Space space = UnitCube(3);
  const auto gp = MakeGp({.space = space, .seed = 4});
  for (int number = 0; number < 60; ++number) {
    const Configuration drawn = SamplePoint(space, 3, number);
    gp->Take(number, drawn);
    const double value = std::pow(At(drawn, 0) - 0.3, 2) + At(drawn, 1) * At(drawn, 2);
    Outcome outcome = Finished(value);
    if (number % 8 == 3) outcome = {.kind = Outcome::Kind::kFailed};
    if (number % 8 == 6) outcome = {.kind = Outcome::Kind::kPruned, .values = {value + 1}};
    gp->Tell(number, outcome);
  }
  EXPECT_TRUE(gp->Propose(60));
  EXPECT_EQ(gp->Note(), "");
}

TEST(Gp, TrustsItsModelOfWhatIsSmooth) {
  const SearchProblem problem{.space = UnitCube(3), .seed = 4, .budget = 40};
  const auto gp = MakeGp(problem);
  const auto tpe = MakeTpe(problem);
  const Loss loss = [](const Configuration& c) {
    return std::pow(At(c, 0) - 0.3, 2) + At(c, 1) * At(c, 2);
  };
  for (int number = 0; number < 30; ++number) {
    const Configuration drawn = SamplePoint(problem.space, 3, number);
    for (AdaptiveSearch* search : {gp.get(), tpe.get()}) {
      search->Take(number, drawn);
      search->Tell(number, Finished(loss(drawn)));
    }
  }
  for (int number = 30; number < 34; ++number)
    EXPECT_NE(gp->Propose(number), tpe->Propose(number)) << number;
  EXPECT_EQ(gp->Note(), "");
}

TEST(Gp, LearnsWhatARetryBrought) {
  const auto search = MakeGp({.space = UnitCube(1), .seed = 1, .budget = 12});
  const Loss loss = [](const Configuration& c) { return std::pow(At(c, 0) - 0.6, 2); };
  const std::vector<Configuration> tried = RunOneByOne(*search, loss, 12);
  const auto again = MakeGp({.space = UnitCube(1), .seed = 1, .budget = 12});
  for (int i = 0; i < 12; ++i) {
    again->Take(i, tried[static_cast<std::size_t>(i)]);
    again->Tell(i, {.kind = Outcome::Kind::kFailed});
  }
  EXPECT_NE(again->Propose(12), search->Propose(12));
  for (int i = 0; i < 12; ++i)
    again->Tell(i, Finished(loss(tried[static_cast<std::size_t>(i)])));
  EXPECT_EQ(again->Propose(12), search->Propose(12));
}

}  // namespace gp_test
}  // namespace ddl
