// SPDX-License-Identifier: Apache-2.0
#include "configs/spec_overrides.h"

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "configs/json.h"
#include "configs/spec_reader.h"

namespace ddl {
namespace spec_overrides_test {

using testing::ElementsAre;

constexpr const char* kPlain =
    "command: [/bin/true]\nmethod: grid\nparameters: {lr: {values: [1, 2]}}\n";

SpecReading Read(const std::string& text, const std::vector<std::string>& overrides) {
  return ReadSpec(text, {"spec.yaml", DDL_SOURCE_DIR, overrides});
}

std::string Refusal(const std::string& override_text) {
  try {
    (void)Read(kPlain, {override_text});
  } catch (const Error& error) {
    return error.what();
  }
  return "it was taken";
}

// What editors are told is the other list of keys.
TEST(SpecKeyNames, AreThoseOfTheSchema) {
  std::ifstream stream(std::string(DDL_SOURCE_DIR) + "/configs/ddl.schema.json");
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  std::vector<std::string> known;
  const Json schema = ParseJson(text, "ddl.schema.json");
  for (const auto& [key, value] : schema.at("properties").items())
    known.push_back(key);
  EXPECT_THAT(SpecKeyNames(), testing::UnorderedElementsAreArray(known));
}

TEST(SpecOverrides, SetEveryKeyThatTheReaderKnows) {
  for (const std::string_view name : SpecKeyNames()) {
    const std::string key(name);
    SpecNode root = ParseSpecText(kPlain);
    SpecErrors errors("spec.yaml", kPlain);
    ApplyOverride(key + "=7", root, errors);
    ASSERT_TRUE(errors.IsEmpty()) << key;
    ASSERT_NE(root.Find(key), nullptr) << key;
    EXPECT_EQ(root.Find(key)->text, "7") << key;
    EXPECT_TRUE(key == "parameters" || root.Find("parameters")->Find(key) == nullptr) << key;
  }
}

TEST(SpecOverrides, SetWhatIsRunAndHowItIsSearched) {
  const SweepSpec spec = Read(kPlain, {"command=[echo, other]", "failures=[]"}).spec;
  EXPECT_THAT(spec.command, ElementsAre("echo", "other"));
  EXPECT_EQ(spec.space.size(), 1U);
  EXPECT_TRUE(spec.failures.empty());
  const SpecReading own = Read(
      "command: [/bin/true]\nmethod: custom\nmetric: {name: loss}\nrun_cap: 2\n"
      "search: {command: [/bin/cat]}\nparameters: {lr: {values: [1, 2]}}\n",
      {"search.timeout_s=5"});
  EXPECT_EQ(own.spec.space.size(), 1U);
  ASSERT_TRUE(own.spec.own_search.has_value());
  EXPECT_EQ(own.spec.own_search->timeout, std::chrono::seconds(5));
}

TEST(SpecOverrides, OfWandbKeysThatMeanNothingAreToldOf) {
  const SpecReading reading = Read(kPlain, {"project=x"});
  EXPECT_EQ(reading.spec.space.size(), 1U);
  EXPECT_THAT(reading.notes, ElementsAre("project: without meaning offline, ignored"));
}

TEST(SpecOverrides, OfAParameterComeBeforeAKeyThatMeansNothing) {
  const SweepSpec spec =
      Read("command: [a]\nmethod: grid\nparameters: {scheduler: {values: [cosine, step]}}\n",
           {"scheduler=step"})
          .spec;
  EXPECT_THAT(spec.space.at(0).values, ElementsAre("step"));
}

TEST(SpecOverrides, SayHowAParameterIsCalled) {
  EXPECT_EQ(Refusal("parameters.lr=3"),
            "command line: parameters.lr=3: a parameter is called by its own name; write lr=3");
  EXPECT_EQ(Refusal("parameters.lr.min=3"),
            "command line: parameters.lr.min=3: a parameter is called by its own name; write "
            "NAME=VALUE, or NAME=VALUE,VALUE; ranges are for the file");
}

}  // namespace spec_overrides_test
}  // namespace ddl
