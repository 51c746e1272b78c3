// SPDX-License-Identifier: Apache-2.0
#include "configs/json.h"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "configs/error.h"

namespace ddl {
namespace json_test {

std::string ErrorOf(std::string_view text) {
  try {
    (void)ParseJson(text, "here");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Json, RefusesDuplicateKeys) {
  EXPECT_EQ(ErrorOf(R"({"a": 1, "b": {"a": 2}, "a": 3})"),
            "here: duplicate key \"a\" in JSON; keep one of them");
}

TEST(Json, RefusesNestingThatWouldCrashACopy) {
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  EXPECT_EQ(ErrorOf(deep), "here: JSON is nested deeper than 64 levels; flatten the value");
}

TEST(Json, ReadsNonFiniteNumbersOutsideStringsOnly) {
  const Json value =
      ParseJson(R"({"a": NaN, "b": [-Infinity, Infinity], "c": "NaN \" Infinity"})", "here", true);
  EXPECT_TRUE(std::isnan(value.at("a").get<double>()));
  EXPECT_EQ(value.at("b").at(0).get<double>(), -INFINITY);
  EXPECT_EQ(value.at("b").at(1).get<double>(), INFINITY);
  EXPECT_EQ(value.at("c"), "NaN \" Infinity");
}

TEST(Json, RefusesNonFiniteNumbersUnlessAsked) {
  EXPECT_TRUE(ErrorOf("[NaN]").starts_with("here: not valid JSON"));
}

TEST(Json, WritesNonFiniteNumbersAsNames) {
  EXPECT_EQ(DumpJson(Json{{"a", NAN}, {"b", {INFINITY, 1.5}}}),
            R"({"a":"NaN","b":["Infinity",1.5]})");
}

TEST(Json, ReplacesBadUtf8InsteadOfThrowing) {
  EXPECT_EQ(DumpJson(Json(std::string("a\xff"))), "\"a\xEF\xBF\xBD\"");
}

TEST(Json, FormatsNumbersShortest) {
  EXPECT_EQ(FormatNumber(0.1), "0.1");
  EXPECT_EQ(FormatNumber(3), "3");
  EXPECT_EQ(FormatNumber(-INFINITY), "-Infinity");
}

}  // namespace json_test
}  // namespace ddl
