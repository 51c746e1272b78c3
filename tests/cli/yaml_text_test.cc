// SPDX-License-Identifier: Apache-2.0
#include "cli/yaml_text.h"

#include <cmath>

#include <gtest/gtest.h>

namespace ddl {
namespace yaml_text_test {

TEST(YamlFlow, QuotesTextsThatLookLikeSomethingElse) {
  EXPECT_EQ(YamlFlow("adam"), "adam");
  EXPECT_EQ(YamlFlow("data/train.csv"), "data/train.csv");
  for (const char* text : {"true", "No", "null", "y", "N", "12", "1e3", "", " a", "a: b", "#x",
                           "-x", "a,b", "~", "*x", "&x", "größe"})
    EXPECT_EQ(YamlFlow(text), "\"" + std::string(text) + "\"");
  EXPECT_EQ(YamlFlow("two\nlines \"quoted\" \\"), R"("two\nlines \"quoted\" \\")");
}

TEST(YamlFlow, KeepsTheKindOfANumber) {
  EXPECT_EQ(YamlFlow(3), "3");
  EXPECT_EQ(YamlFlow(3.0), "3.0");
  EXPECT_EQ(YamlFlow(0.1), "0.1");
  EXPECT_EQ(YamlFlow(1e-5), "1.0e-05");
  EXPECT_EQ(YamlFlow(1.5e300), "1.5e+300");
  EXPECT_EQ(YamlFlow(NAN), ".nan");
  EXPECT_EQ(YamlFlow(-INFINITY), "-.inf");
  EXPECT_EQ(YamlFlow(true), "true");
  EXPECT_EQ(YamlFlow(nullptr), "null");
}

TEST(YamlFlow, NestsListsAndMappings) {
  EXPECT_EQ(YamlFlow(Json{{"type", "sgd"}, {"betas", {0.9, 0.999}}}),
            "{betas: [0.9, 0.999], type: sgd}");
  EXPECT_EQ(YamlFlow(Json::array()), "[]");
  EXPECT_EQ(YamlFlow(Json::object()), "{}");
}

TEST(YamlEntry, BreaksWhatDoesNotFitALine) {
  const Json longish{{"first", std::string(50, 'a')}, {"second", {{"x", std::string(50, 'b')}}}};
  EXPECT_EQ(YamlEntry("trainer", longish), "trainer:\n  first: " + std::string(50, 'a') +
                                               "\n  second: {x: " + std::string(50, 'b') + "}\n");
  EXPECT_EQ(YamlEntry("epochs", 3), "epochs: 3\n");
}

TEST(YamlEntry, QuotesKeysLikeTexts) {
  EXPECT_EQ(YamlEntry("optimizer.lr", 0.1, 2), "  optimizer.lr: 0.1\n");
  EXPECT_EQ(YamlEntry("on", 1), "\"on\": 1\n");
}

}  // namespace yaml_text_test
}  // namespace ddl
