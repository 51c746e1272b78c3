// SPDX-License-Identifier: Apache-2.0
// Population based training with real trials that go on from each other's checkpoints.
#include <csignal>
#include <map>

#include <gmock/gmock.h>

#include "tests/cli/real_ddl.h"

namespace ddl {
namespace pbt_sweep_test {

using testing::HasSubstr;

// Gains n with each report, from what it finds in its checkpoint on.
constexpr const char* kScript = R"(#!/bin/sh
state=$DDL_CHECKPOINT_DIR/state
count=0 gain=0
[ -f "$state" ] && read -r count gain < "$state"
while [ "$count" -lt "$DDL_UNTIL" ]; do
  count=$((count + 1)) gain=$((gain + ${1#--n=}))
  echo "{\"step\": $count, \"gain\": $gain}"
done
[ -n "$EAR" ] && echo "$DDL_TRIAL" > "$EAR"
echo "$count $gain" > "$state.aside" && mv "$state.aside" "$state"
)";

class PbtSweep : public RealDdl {
 protected:
  std::string SpecOf(const std::string& name, const std::string& more = "") {
    Write("train.sh", kScript);
    return Write(name + ".yaml",
                 "name: " + name +
                     "\ncommand: [sh, train.sh, '${args}']\nmethod: pbt\n"
                     "search: {population: 4, perturbation_interval: 2, max_iter: 6}\n"
                     "metric: {name: gain, goal: maximize}\n"
                     "parameters: {n: {min: 1, max: 100}}\n"
                     "resources: {cpus: 0.1}\n" +
                     more);
  }
  // By number of the trial: parent, n and what it gained.
  struct Member {
    std::int64_t parent = 0;
    std::int64_t n = 0;
    double gain = 0;
    bool operator==(const Member&) const = default;
  };
  std::map<std::int64_t, Member> Members(const std::string& sweep) {
    std::map<std::int64_t, Member> members;
    for (std::int64_t number = 1; number <= 12; ++number) {
      const Json shown = DdlJson({"show", sweep + "/" + std::to_string(number)});
      const Json& parent = shown.at("goes_on_from");
      members[number] = {parent.is_null() ? 0 : parent.get<std::int64_t>(),
                         shown.at("trial").at("parameters").at("n").get<std::int64_t>(),
                         shown.at("trial").at("value").get<double>()};
    }
    return members;
  }
};

TEST_F(PbtSweep, EachTrialGoesOnFromItsParentsCheckpoint) {
  // One at a time: who exploits whom depends on the order in which trials end.
  const Finished done = Ddl({"sweep", SpecOf("gains", "parallel: 1\n")});
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  const auto members = Members("gains");
  double best = 0;
  int exploited = 0;
  for (const auto& [number, member] : members) {
    const double before = member.parent == 0 ? 0 : members.at(member.parent).gain;
    EXPECT_EQ(member.gain, before + 2.0 * static_cast<double>(member.n)) << "trial " << number;
    EXPECT_EQ(member.parent == 0, number <= 4);
    best = std::max(best, member.gain);
    if (member.parent > 0 && members.at(member.parent).n != member.n) ++exploited;
  }
  EXPECT_GT(exploited, 0);
  const Json report = DdlJson({"report", "gains"});
  const Json& schedule = report.at("schedule");
  ASSERT_EQ(schedule.size(), 3U);
  double gained = 0;
  for (const Json& segment : schedule)
    gained += 2.0 * segment.at("parameters").at("n").get<double>();
  EXPECT_EQ(gained, best);
  EXPECT_EQ(schedule.at(1).at("first_report"), 3);
  EXPECT_EQ(schedule.at(1).at("last_report"), 4);
  EXPECT_THAT(Ddl({"report", "gains"}).out, HasSubstr("its schedule"));
  EXPECT_THAT(Ddl({"show", "gains/12"}).out, HasSubstr("goes on from trial"));
}

TEST_F(PbtSweep, AKillChangesNothing) {
  ASSERT_EQ(Ddl({"sweep", SpecOf("calm", "parallel: 1\n")}).code, 0);
  const Ear ear(MakePipe("ear"));
  const std::string spec = SpecOf("killed", "parallel: 1\nenv: {EAR: '" + folder_ + "/ear'}\n");
  for (int kill = 0; kill < 3; ++kill) {
    const auto sweep = Start({"sweep", spec});
    ear.Line();
    sweep->Signal(SIGKILL);
    sweep->Wait();
  }
  EXPECT_EQ(Ddl({"sweep", spec}).code, 0);
  EXPECT_EQ(Members("killed"), Members("calm"));
}

TEST_F(PbtSweep, WithoutACheckpointThereIsNothingToGoOnFrom) {
  const std::string spec = Write("forgets.yaml",
                                 "command: [sh, -c, 'echo \"{\\\"loss\\\": 1}\"']\nmethod: pbt\n"
                                 "search: {population: 2, max_iter: 2}\nmetric: {name: loss}\n"
                                 "parameters: {n: {min: 1, max: 100}}\n");
  const Finished done = Ddl({"sweep", spec});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(Ddl({"show", "3"}).out, HasSubstr("nothing to go on from: trial"));
}

TEST_F(PbtSweep, TheTrainerGoesOnWithAnotherRate) {
  const std::string spec = Write(
      "blobs.yaml",
      "trainer: {data: {type: blobs, noise: 4}, model: {hidden: [8]}, epochs: 6, batch_size: 32,\n"
      "  schedule: {type: cosine}}\n"
      "method: pbt\nsearch: {population: 4, perturbation_interval: 2}\n"
      "metric: {name: val_loss}\nresources: {cpus: 0.1}\n"
      "parameters: {optimizer.lr: {distribution: log_uniform_values, min: 0.001, max: 1.0}}\n");
  const Finished done = Ddl({"sweep", spec});
  EXPECT_EQ(done.code, 0) << done.out << done.error;
  const std::vector<double> least{0.9, 0.45, 0.05};
  const std::vector<double> most{1.01, 0.6, 0.12};
  for (std::int64_t number = 1; number <= 12; ++number) {
    const Json shown = DdlJson({"show", std::to_string(number)});
    const std::int64_t generation = (number - 1) / 4;
    bool is_tested = false;
    for (const Json& metric : shown.at("metrics")) {
      is_tested |= metric.at("metric") == "test_accuracy";
      if (metric.at("metric") != "lr") continue;
      EXPECT_EQ(metric.at("reports"), 2) << "trial " << number;
      EXPECT_EQ(metric.at("last_step"), 2 * generation + 2);
      const double rate = shown.at("trial").at("parameters").at("optimizer.lr");
      const double share = metric.at("max").get<double>() / rate;  // of the cosine over all 6
      const auto place = static_cast<std::size_t>(generation);
      EXPECT_GT(share, least.at(place)) << "trial " << number;
      EXPECT_LT(share, most.at(place)) << "trial " << number;
    }
    EXPECT_EQ(is_tested, generation == 2) << "trial " << number;
  }
}

TEST_F(PbtSweep, KeepsWhatMayBeGoneOnFrom) {
  const Ear ear(MakePipe("ear"));
  const std::string spec = SpecOf("open", "parallel: 1\nenv: {EAR: '" + folder_ + "/ear'}\n");
  const auto sweep = Start({"sweep", spec});
  for (int trial = 0; trial < 5; ++trial)
    ear.Line();
  sweep->Signal(SIGKILL);
  sweep->Wait();
  (void)Ddl({"store", "backup"});
  const Finished collected = Ddl({"gc", "--yes", "--keep-best", "1"});
  EXPECT_THAT(collected.out + collected.error, HasSubstr("other trials may go on from them"));
  EXPECT_EQ(Ddl({"sweep", spec}).code, 0);
}

}  // namespace pbt_sweep_test
}  // namespace ddl
