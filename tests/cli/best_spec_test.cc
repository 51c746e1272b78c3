// SPDX-License-Identifier: Apache-2.0
#include "cli/best_spec.h"

#include <gtest/gtest.h>

namespace ddl {
namespace best_spec_test {

Parameter Named(std::vector<std::string> path) {
  Parameter parameter;
  parameter.path = std::move(path);
  parameter.distribution = Distribution::kUniform;
  return parameter;
}

SweepSpec TrainerSpec() {
  SweepSpec spec;
  spec.name = "fashion-mlp";
  spec.trainer = Json{{"data", "fashion-mnist"}, {"model", {{"type", "mlp"}}}, {"epochs", 3}};
  spec.method = Method::kRandom;
  spec.metric = Metric{"val_accuracy", Goal::kMaximize, 0.89};
  spec.space = {Named({"optimizer.lr"}), Named({"model.hidden"})};
  spec.seeds = 3;
  spec.run_cap = 96;
  spec.parallel = 8;
  spec.resources.memory_mib = 4096;
  return spec;
}

BestConfiguration Best() {
  return {17, 0.893412, {{"optimizer.lr", 0.0123456}, {"model.hidden", {256, 128}}}};
}

TEST(BestSpec, FixesEachParameterInTheSpecsOrder) {
  EXPECT_EQ("\n" + BestSpecText(TrainerSpec(), Best()), R"(
# The best configuration of the sweep fashion-mlp: trial 17, val_accuracy 0.893412.
name: fashion-mlp-best
trainer: {data: fashion-mnist, epochs: 3, model: {type: mlp}}
method: grid
metric: {name: val_accuracy, goal: maximize, target: 0.89}
parameters:
  optimizer.lr: {value: 0.0123456}
  model.hidden: {value: [256, 128]}
seeds: 3
resources: {cpus: 1, memory: "4096MiB"}
)");
}

TEST(BestSpec, KeepsWhatATrialNeedsToRun) {
  SweepSpec spec;
  spec.name = "mine";
  spec.program = "train.py";
  spec.command = {"${env}", "python3", "${program}", "${args}", "--note=it's: fine"};
  spec.workdir = "/home/ann/my project";
  spec.env = {{"OMP_NUM_THREADS", "1"}, {"MODE", "on"}};
  spec.captures = {{"val_acc", R"(val_acc[=:]\s*([0-9.]+))"}};
  spec.timeout = std::chrono::milliseconds(90'500);
  spec.grace = std::chrono::milliseconds(3'000);
  spec.retries = 2;
  spec.resources.cpus = 0.5;
  spec.resources.gpus = 1;
  spec.hosts = {"local", "ssh://gpu1"};
  spec.space = {Named({"optimizer", "lr"}), Named({"optimizer", "kind"}), Named({"depth"})};
  const BestConfiguration best{
      4, 1, {{"optimizer.lr", 1e-5}, {"optimizer.kind", "no"}, {"depth", 3}}};
  EXPECT_EQ("\n" + BestSpecText(spec, best), R"yaml(
# The best configuration of the sweep mine: trial 4, value 1.
name: mine-best
program: train.py
command: ["${env}", python3, "${program}", "${args}", "--note=it's: fine"]
workdir: "/home/ann/my project"
env: {MODE: "on", OMP_NUM_THREADS: "1"}
capture: {val_acc: "val_acc[=:]\\s*([0-9.]+)"}
method: grid
parameters:
  optimizer: {parameters: {kind: {value: "no"}, lr: {value: 1.0e-05}}}
  depth: {value: 3}
resources: {cpus: 0.5, gpus: 1}
hosts: [local, "ssh://gpu1"]
retries: 2
timeout_s: 90.5
grace_s: 3
)yaml");
}

TEST(BestSpec, LeavesOutParametersTheConfigurationDoesNotHave) {
  SweepSpec spec;
  spec.name = "x";
  spec.space = {Named({"a"}), Named({"b"})};
  const std::string text = BestSpecText(spec, {1, 0.5, Json::object({{"b", true}})});
  EXPECT_NE(text.find("parameters:\n  b: {value: true}\n"), std::string::npos);
}

}  // namespace best_spec_test
}  // namespace ddl
