// SPDX-License-Identifier: Apache-2.0
#include "scheduler/launch_plan.h"

#include <gtest/gtest.h>

namespace ddl {
namespace launch_plan_test {

SweepSpec OfTheTrainer() {
  SweepSpec spec;
  spec.trainer = Json::object();
  return spec;
}

TEST(LaunchPlan, FusesAsManyTrialsAsRunAtOnceAndNoMoreThanAsked) {
  SweepSpec spec = OfTheTrainer();
  EXPECT_EQ(LanesOf(spec, nullptr, 8), 8);
  EXPECT_EQ(LanesOf(spec, nullptr, 1), 1);
  EXPECT_EQ(LanesOf(spec, nullptr, 1000), 64);
  spec.fusion = 4;
  EXPECT_EQ(LanesOf(spec, nullptr, 8), 4);
  spec.parallel = 3;
  EXPECT_EQ(LanesOf(spec, nullptr, 8), 3);
  spec.fusion = kNoFusion;
  EXPECT_EQ(LanesOf(spec, nullptr, 8), 0);
}

TEST(LaunchPlan, LeavesThoseAloneThatNeedAProcessOfTheirOwn) {
  SweepSpec program;
  EXPECT_EQ(LanesOf(program, nullptr, 8), 0);
  SweepSpec spec = OfTheTrainer();
  spec.resources.memory_mib = 1024;  // watched by the tree of processes
  EXPECT_EQ(LanesOf(spec, nullptr, 8), 0);
  spec = OfTheTrainer();
  spec.resources.cpus = 2;
  EXPECT_EQ(LanesOf(spec, nullptr, 8), 0);
  spec = OfTheTrainer();
  spec.resources.cpus = 0.25;
  EXPECT_EQ(LanesOf(spec, nullptr, 8), 8);
  spec.resources.gpus = 1;
  EXPECT_EQ(LanesOf(spec, nullptr, 8), 0);
  spec.resources.gpus = 0.25;
  EXPECT_EQ(LanesOf(spec, nullptr, 8), 4) << "two GPUs, a worker each";
  spec.resources.gpus = 1.0 / 3.0;
  EXPECT_EQ(LanesOf(spec, nullptr, 9), 2) << "thousandths are given, which are rounded up";
  spec.resources.gpus = 0;
  HostEntry entry;
  entry.setup = {"module load gcc"};
  EXPECT_EQ(LanesOf(spec, &entry, 8), 0);
}

TEST(LaunchPlan, NamesTheWorkerWhereALaneMayShare) {
  SweepSpec spec = OfTheTrainer();
  spec.name = "fused";
  const SecretValues secrets;
  const Configuration configuration;
  const HostFacts host;
  const Slots slots;
  const std::string trainer = "/opt/ddl/ddl-trainer";
  LaunchSubject subject{.spec = spec,
                        .secrets = secrets,
                        .configuration = configuration,
                        .host = host,
                        .slots = slots,
                        .trainer_path = trainer,
                        .job = {1},
                        .trial = {1}};
  EXPECT_TRUE(PlanLaunch(subject).worker.empty());
  subject.lanes = 2;
  const LaunchRecord record = PlanLaunch(subject);
  EXPECT_EQ(record.worker, (std::vector<std::string>{trainer, "--lanes", "2"}));
  EXPECT_EQ(record.argv, (std::vector<std::string>{trainer, "${args_json_file}"}));
  EXPECT_EQ(record.lanes, 2);
}

}  // namespace launch_plan_test
}  // namespace ddl
