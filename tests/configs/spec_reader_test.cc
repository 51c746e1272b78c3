// SPDX-License-Identifier: Apache-2.0
#include "configs/spec_reader.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/command.h"
#include "configs/distributions.h"
#include "configs/json.h"
#include "configs/spec_difference.h"

namespace ddl {
namespace spec_reader_test {

using testing::ElementsAre;
using testing::HasSubstr;

SpecReading Read(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return ReadSpec(text, {"spec.yaml", DDL_SOURCE_DIR, overrides});
}

constexpr const char* kWhole = R"(
name: whole
description: every key of ours
entity: a-team
project: a-project
program: train.py
command: ["${env}", "${interpreter}", "${program}", --fast, "${args}"]
method: random
metric: {name: loss, goal: maximize, target: 0.5}
parameters:
  lr: {distribution: log_uniform_values, min: 1e-4, max: 0.1}
  optimizer: {parameters: {type: {value: adam}, beta: {values: [0.9, 0.99], probabilities: [0.25, 0.75]}}}
seeds: 3
search_seed: 7
run_cap: 12
parallel: 2
limits: {wall_h: 1.5, gpu_h: 2, epochs: 100}
resources: {cpus: 0.5, gpus: 0.25, memory: 4GiB}
hosts: [local]
retries: 2
timeout_s: 1.5
grace_s: 0
lost_after_s: 90
results: all
keep: 5
fail_fast: true
share_busy_gpus: true
capture: {acc: 'acc=([0-9.]+)'}
env: {OMP_NUM_THREADS: 1, EMPTY: }
workdir: configs
)";

TEST(SpecReader, ReadsEveryKey) {
  const SpecReading reading = Read(kWhole);
  const SweepSpec& spec = reading.spec;
  EXPECT_EQ(spec.name, "whole");
  EXPECT_EQ(spec.method, Method::kRandom);
  EXPECT_EQ(spec.metric->goal, Goal::kMaximize);
  EXPECT_EQ(spec.metric->target, 0.5);
  EXPECT_EQ(spec.space.size(), 3U);
  EXPECT_EQ(spec.space[2].Name(), "optimizer.beta");
  EXPECT_THAT(spec.space[2].probabilities, ElementsAre(0.25, 0.75));
  EXPECT_EQ(spec.seeds, 3);
  EXPECT_EQ(spec.search_seed, 7U);
  EXPECT_EQ(spec.run_cap, 12);
  EXPECT_EQ(spec.parallel, 2);
  EXPECT_EQ(spec.limits.wall_h, 1.5);
  EXPECT_EQ(spec.limits.gpu_h, 2.0);
  EXPECT_EQ(spec.limits.epochs, 100);
  EXPECT_EQ(spec.resources.cpus, 0.5);
  EXPECT_EQ(spec.resources.gpus, 0.25);
  EXPECT_EQ(spec.resources.memory_mib, 4096);
  EXPECT_EQ(spec.retries, 2);
  EXPECT_EQ(spec.timeout, std::chrono::milliseconds(1500));
  EXPECT_EQ(spec.grace, std::chrono::milliseconds(0));
  EXPECT_EQ(spec.lost_after, std::chrono::seconds(90));
  EXPECT_EQ(spec.results, ResultsRule::kAll);
  EXPECT_EQ(spec.keep, 5);
  EXPECT_TRUE(spec.fail_fast);
  EXPECT_TRUE(spec.share_busy_gpus);
  EXPECT_EQ(spec.captures.at(0).metric, "acc");
  EXPECT_EQ(spec.env.at(0).second, "1");
  EXPECT_EQ(spec.env.at(1).second, "");
  EXPECT_EQ(spec.workdir, std::string(DDL_SOURCE_DIR) + "/configs");
  EXPECT_THAT(reading.notes, ElementsAre("entity, project: without meaning offline, ignored"));
}

TEST(SpecReader, TakesEveryKeyOfWandbThatHasNoMeaningOfflineAndSaysSoOnce) {
  const SpecReading reading = Read(
      "apiVersion: v1\nkind: sweep\nentity: me\nproject: p\ncontroller: {type: local}\njob: j\n"
      "image_uri: i\nscheduler: {engine: wandb}\nprogram: train.py\nmethod: grid\n"
      "metric: {name: loss, impute: worst, impute_while_running: false}\n"
      "parameters: {x: {values: [1]}}\n");
  EXPECT_THAT(reading.notes,
              ElementsAre("apiVersion, kind, entity, project, controller, job, image_uri, "
                          "scheduler, metric.impute, metric.impute_while_running: without meaning "
                          "offline, ignored"));
}

TEST(SpecReader, ReadsHowManyTrialsShareAProcess) {
  const auto fusion = [](const std::string& value) {
    const SweepSpec spec = Read("trainer: {data: blobs}\nmethod: grid\nfusion: " + value +
                                "\nparameters: {seed: {values: [1]}}\n")
                               .spec;
    EXPECT_EQ(SpecFromJson(ResolvedSpec(spec)).fusion, spec.fusion);
    return spec.fusion;
  };
  EXPECT_EQ(fusion("auto"), kWholeFusion);
  EXPECT_EQ(fusion("off"), kNoFusion);
  EXPECT_EQ(fusion("false"), kNoFusion);
  EXPECT_EQ(fusion("16"), 16);
}

TEST(SpecReader, ResolvedSpecsReadBackWithoutLoss) {
  const SweepSpec spec = Read(kWhole).spec;
  const Json once = ResolvedSpec(spec);
  const SweepSpec again = SpecFromJson(ParseJson(DumpJson(once), "test"));
  EXPECT_EQ(DumpJson(ResolvedSpec(again)), DumpJson(once));
  EXPECT_EQ(again.space[0].min, 1e-4);
  EXPECT_EQ(again.timeout, spec.timeout);
}

TEST(SpecReader, NamesASweepAfterItsFile) {
  EXPECT_EQ(Read("command: [a]\nmethod: grid\nparameters: {x: {values: [1]}}").spec.name, "spec");
}

TEST(SpecReader, ReadsNumbersWordsAndAnchorsAsYamlHasThem) {
  const SweepSpec spec = Read(R"(
command: [a]
method: grid
parameters:
  a: &values {values: [1, 1e-3, "1", yes, null, [1, 2], {k: v}, 0x10, -.inf]}
  b: *values
  c:
    <<: *values
)")
                             .spec;
  const std::vector<Json>& values = spec.space[0].values;
  EXPECT_EQ(values[0], 1);
  EXPECT_EQ(values[1], 1e-3);
  EXPECT_EQ(values[2], "1");
  EXPECT_EQ(values[3], true);
  EXPECT_EQ(values[4], nullptr);
  EXPECT_EQ(values[5], Json({1, 2}));
  EXPECT_EQ(values[6], Json({{"k", "v"}}));
  EXPECT_EQ(values[7], 16);
  EXPECT_EQ(spec.space[1].values, values);
  EXPECT_EQ(spec.space[2].values, values);
}

TEST(SpecReader, InfersDistributionsAsWandbDoes) {
  const SweepSpec spec = Read(R"(
command: [a]
method: random
run_cap: 1
parameters:
  constant: {value: 3}
  categorical: {values: [1, 2]}
  int_uniform: {min: 1, max: 3}
  uniform: {min: 1.0, max: 3}
  normal: {mu: 0, sigma: 2}
)")
                             .spec;
  for (const Parameter& parameter : spec.space)
    EXPECT_EQ(parameter.Name(), ToString(parameter.distribution));
}

TEST(SpecOverrides, ChangeKeysAndParameters) {
  const SweepSpec spec =
      Read(kWhole, {"run_cap=8", "lr=0.1,0.01", "optimizer.type=sgd", "metric.target=0.9",
                    "resources.cpus=1", "model.hidden=[1, 2],[3]"})
          .spec;
  EXPECT_EQ(spec.run_cap, 8);
  EXPECT_EQ(spec.space[0].values, (std::vector<Json>{0.1, 0.01}));
  EXPECT_EQ(spec.space[1].values, std::vector<Json>{"sgd"});
  EXPECT_EQ(spec.metric->target, 0.9);
  EXPECT_EQ(spec.resources.cpus, 1.0);
  EXPECT_EQ(spec.space.back().Name(), "model.hidden");
  EXPECT_EQ(spec.space.back().values[0], Json({1, 2}));
}

std::vector<std::string> Expanded(const std::string& command, const std::string& parameters) {
  ::setenv("DDL_TEST_WORD", "from the environment", 1);
  const SweepSpec spec =
      Read("program: train.py\nmethod: grid\ncommand: " + command + "\nparameters: " + parameters)
          .spec;
  Configuration configuration = Json::object();
  for (const Parameter& parameter : spec.space)
    configuration[parameter.Name()] = parameter.values.front();
  return ExpandCommand(spec, configuration, "python");
}

constexpr const char* kParameters =
    "{a: {value: 0.5}, b: {value: true}, c: {value: false}, d: {value: x y}, "
    "e: {parameters: {f: {value: 1}}}, g: {value: null}, h: {value: 2.0}}";

TEST(CommandMacros, BecomeWordsWithoutAShell) {
  EXPECT_THAT(Expanded(R"(["${env}", "${interpreter}", "${program}", "--x=${program}"])",
                       "{a: {value: 1}}"),
              ElementsAre("/usr/bin/env", "python", "train.py", "--x=train.py"));
  EXPECT_THAT(Expanded(R"(["${args}"])", kParameters),
              ElementsAre("--a=0.5", "--b=True", "--c=False", "--d=x y", R"(--e={"f":1})",
                          "--g=None", "--h=2.0"));
  EXPECT_THAT(Expanded(R"(["${args_no_hyphens}"])", "{a: {value: 0.5}}"), ElementsAre("a=0.5"));
  EXPECT_THAT(Expanded(R"(["${args_no_boolean_flags}"])",
                       "{a: {value: 1}, b: {value: true}, c: {value: false}}"),
              ElementsAre("--a=1", "--b"));
  EXPECT_THAT(Expanded(R"(["${args_json}"])", "{e: {parameters: {f: {value: 1}}}}"),
              ElementsAre(R"({"e":{"f":1}})"));
  EXPECT_THAT(Expanded(R"(["${args_json_file}"])", "{a: {value: 1}}"),
              ElementsAre("${args_json_file}"));
  EXPECT_THAT(Expanded(R"(["<${envvar:DDL_TEST_WORD}>"])", "{a: {value: 1}}"),
              ElementsAre("<from the environment>"));
  EXPECT_THAT(Expanded(R"([sh, -c, "echo ${HOME} $1"])", "{a: {value: 1}}"),
              ElementsAre("sh", "-c", "echo ${HOME} $1"))
      << "what is no macro is the program's";
}

TEST(TrainerConfiguration, TakesParametersAtTheirPathsAndTheTrialsSeed) {
  const SweepSpec spec = Read(R"(
trainer: {data: blobs, optimizer: adam, seed: 10}
method: grid
parameters: {optimizer.lr: {values: [0.5]}, model.hidden: {values: [[3]]}}
)")
                             .spec;
  const Json config = TrainerConfiguration(spec, {{"optimizer.lr", 0.5}, {"model.hidden", {3}}}, 2);
  EXPECT_EQ(config.at("optimizer"), Json({{"type", "adam"}, {"lr", 0.5}}));
  EXPECT_EQ(config.at("model").at("hidden"), Json({3}));
  EXPECT_EQ(config.at("seed"), 12);
}

TEST(SpecDifference, TellsWhatMayChangeInPlace) {
  const SweepSpec before = Read(kWhole).spec;
  const auto difference = [&](const std::vector<std::string>& overrides) {
    return DifferenceOf(before, Read(kWhole, overrides).spec);
  };
  EXPECT_TRUE(difference({}).text.empty());
  for (const char* allowed : {"run_cap=20", "parallel=9", "retries=1", "description=new",
                              "limits.wall_h=3", "resources.cpus=1"}) {
    EXPECT_TRUE(difference({allowed}).in_place) << allowed;
    EXPECT_FALSE(difference({allowed}).text.empty()) << allowed;
  }
  for (const char* refused : {"run_cap=3", "lr=0.1", "seeds=2", "method=grid", "search_seed=8"}) {
    if (std::string(refused) == "method=grid") continue;  // a grid cannot go over lr
    EXPECT_FALSE(difference({refused}).in_place) << refused;
  }
  EXPECT_THAT(difference({"seeds=2"}).text, HasSubstr("seeds"));
  SweepSpec endless = before;
  endless.run_cap.reset();
  EXPECT_TRUE(DifferenceOf(before, endless).in_place) << "no end is more than any number";
  EXPECT_FALSE(DifferenceOf(endless, before).in_place);
}

TEST(CommandSpec, IsOneTrialOfThatCommand) {
  const SweepSpec spec = CommandSpec({"python3", "a b.py", "--x"}, "", {"resources.cpus=0.5"});
  EXPECT_EQ(spec.name, "python3");
  EXPECT_EQ(spec.run_cap, 1);
  EXPECT_EQ(spec.resources.cpus, 0.5);
  EXPECT_THAT(ExpandCommand(spec, Json::object(), ""), ElementsAre("python3", "a b.py", "--x"));
}

TEST(Samples, AreFine) {
  int samples = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(DDL_SOURCE_DIR) + "/configs")) {
    if (entry.path().extension() != ".yaml") continue;
    EXPECT_NO_THROW((void)ReadSpecFile(entry.path(), {})) << entry.path();
    ++samples;
  }
  EXPECT_EQ(samples, 8);
}

}  // namespace spec_reader_test
}  // namespace ddl
