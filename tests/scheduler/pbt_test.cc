// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/pbt.h"

#include "search_runs.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/search/pbt_moves.h"

namespace ddl {
namespace pbt_test {

using testing::AnyOf;
using testing::Each;
using testing::ElementsAre;

constexpr const char* kRates = "\n  lr: {distribution: log_uniform_values, min: 0.001, max: 1.0}\n";

PbtSettings FourMembers() {
  return {.population = 4, .interval = 1, .max_iter = 10, .resample_probability = 0};
}

struct Member {
  Configuration configuration;
  std::optional<std::int64_t> parent;
};

Member Take(AdaptiveSearch& search, std::int64_t number) {
  Member member{search.Propose(number).value(), search.ParentOfProposal()};
  search.Take(number, member.configuration);
  return member;
}

// Of the first generation, the losses in the order of their numbers.
std::vector<Member> FirstGeneration(AdaptiveSearch& search, const std::vector<double>& losses) {
  std::vector<Member> members;
  for (std::int64_t number = 0; number < std::ssize(losses); ++number)
    members.push_back(Take(search, number));
  for (std::int64_t number = 0; number < std::ssize(losses); ++number)
    search.Tell(number, Finished(losses[static_cast<std::size_t>(number)]));
  return members;
}

double RateOf(const Member& member) {
  return member.configuration.at("lr").get<double>();
}

TEST(Pbt, TheFirstGenerationIsDrawnAndBeginsAnew) {
  const auto search = MakePbt({.space = SpaceFrom(kRates), .seed = 1}, FourMembers());
  std::set<double> rates;
  for (const Member& member : FirstGeneration(*search, {1, 2, 3, 4})) {
    EXPECT_EQ(member.parent, std::nullopt);
    rates.insert(RateOf(member));
  }
  EXPECT_EQ(rates.size(), 4U);
}

TEST(Pbt, TheWorstGoesOnFromTheBestAndTheOthersFromThemselves) {
  const auto search = MakePbt({.space = SpaceFrom(kRates), .seed = 1}, FourMembers());
  const std::vector<Member> first = FirstGeneration(*search, {2, 9, 1, 3});
  for (const std::int64_t own : {0, 1, 2, 3}) {
    const Member next = Take(*search, 4 + own);
    const auto donor = static_cast<std::size_t>(own == 1 ? 2 : own);
    EXPECT_EQ(next.parent, own == 1 ? 2 : own);
    const double factor = RateOf(next) / RateOf(first[donor]);
    if (own != 1) {
      EXPECT_EQ(factor, 1);
    }
    const bool is_at_an_end = RateOf(next) == 0.001 || RateOf(next) == 1.0;
    if (own == 1 && !is_at_an_end) {
      EXPECT_TRUE(std::abs(factor - 0.8) < 1e-9 || std::abs(factor - 1.2) < 1e-9) << factor;
    }
  }
}

TEST(Pbt, AFailedMemberIsReplacedByOneOfTheBest) {
  const auto search = MakePbt({.space = SpaceFrom(kRates), .seed = 3}, FourMembers());
  for (std::int64_t number = 0; number < 4; ++number)
    Take(*search, number);
  search->Tell(0, {.kind = Outcome::Kind::kFailed});
  search->Tell(1, Finished(1));
  search->Tell(2, {.kind = Outcome::Kind::kCanceled});
  search->Tell(3, Finished(2));
  std::vector<std::optional<std::int64_t>> parents;
  for (std::int64_t number = 4; number < 8; ++number)
    parents.push_back(Take(*search, number).parent);
  EXPECT_THAT(parents, ElementsAre(1, 1, 1, 3));
}

TEST(Pbt, WhereAGenerationCameToNothingTheOneBeforeItServes) {
  const auto search = MakePbt({.space = SpaceFrom(kRates), .seed = 3}, FourMembers());
  FirstGeneration(*search, {4, 3, 2, 1});
  for (std::int64_t number = 4; number < 8; ++number) {
    Take(*search, number);
    search->Tell(number, {.kind = Outcome::Kind::kFailed});
  }
  EXPECT_EQ(Take(*search, 8).parent, 3);
}

TEST(Pbt, WhereNothingEverWorkedItDrawsAnew) {
  const auto search = MakePbt({.space = SpaceFrom(kRates), .seed = 3}, FourMembers());
  std::set<double> rates;
  for (std::int64_t number = 0; number < 8; ++number) {
    const Member member = Take(*search, number);
    EXPECT_EQ(member.parent, std::nullopt);
    rates.insert(RateOf(member));
    search->Tell(number, {.kind = Outcome::Kind::kFailed});
  }
  EXPECT_EQ(rates.size(), 8U);
}

TEST(Pbt, WhoIsReadyGoesOnWithoutTheOthers) {
  const auto search = MakePbt({.space = SpaceFrom(kRates), .seed = 1}, FourMembers());
  for (std::int64_t number = 0; number < 4; ++number)
    Take(*search, number);
  EXPECT_EQ(search->Propose(4), std::nullopt) << "nobody has ended";
  search->Tell(2, Finished(7));
  EXPECT_EQ(Take(*search, 4).parent, 2) << "nobody to compare with";
  EXPECT_EQ(search->Propose(5), std::nullopt);
}

TEST(Pbt, ProposesTheSameWhenFedTheSameWithoutBeingAsked) {
  const Space space = SpaceFrom("\n  lr: {min: 0.1, max: 1.0}\n  act: {values: [a, b, c]}\n");
  PbtSettings settings = FourMembers();
  settings.resample_probability = 0.3;
  const auto live = MakePbt({.space = space, .seed = 5}, settings);
  const auto restored = MakePbt({.space = space, .seed = 5}, settings);
  const auto loss = [](const Configuration& c) { return c.at("lr").get<double>(); };
  for (std::int64_t number = 0; number < 28; ++number) {
    const Member member = Take(*live, number);
    if (number < 20) {
      restored->Take(number, member.configuration);
    } else {
      EXPECT_EQ(Take(*restored, number).configuration, member.configuration);
      EXPECT_EQ(restored->ParentOfProposal(), member.parent);
    }
    for (AdaptiveSearch* search : {live.get(), restored.get()})
      search->Tell(number, Finished(loss(member.configuration)));
  }
}

TEST(Pbt, NothingForbiddenIsProposed) {
  const Space space = SpaceFrom(kRates);
  const auto search = MakePbt(
      {.space = space,
       .seed = 2,
       .is_allowed = [](const Configuration& c) { return c.at("lr").get<double>() < 0.05; }},
      FourMembers());
  for (std::int64_t number = 0; number < 40; ++number) {
    const Member member = Take(*search, number);
    EXPECT_LT(RateOf(member), 0.05);
    search->Tell(number, Finished(-RateOf(member)));  // the larger the better
  }
}

// ---- how it explores ---------------------------------------------------------------------------

std::vector<Json> ValuesNear(const std::string& parameter, const Json& value,
                             const PbtSettings& settings = FourMembers()) {
  const Domain domain(SpaceFrom("\n  p: " + parameter + "\n"));
  std::vector<Json> values;
  for (std::uint64_t number = 0; number < 40; ++number) {
    CounterDraws draws(1, number, 0);
    values.push_back(Explore(domain, {{"p", value}}, settings, draws).at("p"));
  }
  return values;
}

TEST(PbtMoves, NumbersAreMultipliedAndStayWithinTheirBounds) {
  const std::vector<Json> values = ValuesNear("{min: 0.0, max: 1.0}", 0.5);
  EXPECT_THAT(values, Each(AnyOf(Json(0.4), Json(0.6))));
  EXPECT_NE(std::ranges::count(values, Json(0.4)), 0);
  EXPECT_NE(std::ranges::count(values, Json(0.6)), 0);
  EXPECT_THAT(ValuesNear("{min: 0.0, max: 1.0}", 0.9), Each(AnyOf(Json(1.0), Json(0.9 * 0.8))));
}

TEST(PbtMoves, StepsAreStepsAndAtLeastOne) {
  EXPECT_THAT(ValuesNear("{min: 1, max: 9}", 2), Each(AnyOf(Json(1), Json(3))));
  EXPECT_THAT(ValuesNear("{min: 1, max: 100}", 50), Each(AnyOf(Json(40), Json(60))));
  EXPECT_THAT(ValuesNear("{distribution: q_uniform, min: 0, max: 100, q: 10}", 50),
              Each(AnyOf(Json(40), Json(60))));
}

TEST(PbtMoves, AnOrderedListIsWalkedAndACategoryStays) {
  EXPECT_THAT(ValuesNear("{values: [16, 32, 64]}", 32), Each(AnyOf(Json(16), Json(64))));
  EXPECT_THAT(ValuesNear("{values: [16, 32, 64]}", 64), Each(Json(32)));
  EXPECT_THAT(ValuesNear("{values: [relu, tanh]}", "relu"), Each(Json("relu")));
}

TEST(PbtMoves, DrawsAnewAsOftenAsItIsTold) {
  PbtSettings settings = FourMembers();
  settings.resample_probability = 1;
  const std::vector<Json> values = ValuesNear("{values: [relu, tanh, gelu]}", "relu", settings);
  EXPECT_EQ(std::set<Json>(values.begin(), values.end()).size(), 3U);
}

// The toy of the paper, section 4.4: the surrogate leaves one weight out wherever its
// hyper-parameter is 0, and no fixed (1, 0) or (0, 1) gets there.
TEST(Pbt, SolvesTheToyOfItsPaper) {
  const Space space = SpaceFrom("\n  h0: {min: 0.0, max: 1.0}\n  h1: {min: 0.0, max: 1.0}\n");
  struct Weights {
    double a = 0.9;
    double b = 0.9;
    double Quality() const { return 1.2 - (a * a + b * b); }
    void Train(double h0, double h1) {
      for (int step = 0; step < 10; ++step) {
        a -= 0.02 * h0 * a;
        b -= 0.02 * h1 * b;
      }
    }
  };
  PbtSettings settings{.population = 8, .interval = 1, .max_iter = 20};
  const auto search = MakePbt({.space = space, .seed = 1}, settings);
  std::vector<Weights> weights;
  double best = -1;
  for (std::int64_t number = 0; number < settings.Trials(); ++number) {
    const Member member = Take(*search, number);
    Weights own = member.parent ? weights[static_cast<std::size_t>(*member.parent)] : Weights{};
    own.Train(member.configuration.at("h0"), member.configuration.at("h1"));
    weights.push_back(own);
    best = std::max(best, own.Quality());
    search->Tell(number, Finished(-own.Quality()));
  }
  Weights fixed;
  for (int segment = 0; segment < 20; ++segment)
    fixed.Train(1, 0);
  EXPECT_LT(fixed.Quality(), 0.4);
  EXPECT_GT(best, 1.15);
}

}  // namespace pbt_test
}  // namespace ddl
