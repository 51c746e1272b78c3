// SPDX-License-Identifier: Apache-2.0
#include "configs/expression.h"

#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/json.h"

namespace ddl {
namespace expression_test {

using testing::ElementsAre;
using testing::HasSubstr;

// x is 7, r is 0.5, t is "adam", l is [1, 2], b is true, m.n is 3; `gone` has no value.
Evaluated EvaluatedWith(const std::string& text) {
  const Json known{{"x", 7},    {"r", 0.5}, {"t", "adam"},          {"l", {1, 2}},
                   {"b", true}, {"m.n", 3}, {"learning-rate", 0.25}};
  const Expression expression(text);
  std::vector<const Json*> values;
  for (const std::string& name : expression.Names())
    values.push_back(known.contains(name) ? &known.at(name) : nullptr);
  return expression.Evaluate(values);
}

// As text, so that 1 and 1.0 differ.
std::string ValueOf(const std::string& text) {
  const Evaluated evaluated = EvaluatedWith(text);
  if (evaluated.kind == Evaluated::Kind::kAbsent) return "absent";
  if (evaluated.kind == Evaluated::Kind::kFault) {
    return std::to_string(evaluated.fault.at) + ": " + evaluated.fault.what;
  }
  return DumpJson(evaluated.value);
}

std::string Refusal(const std::string& text) {
  try {
    const Expression expression(text);
    return "accepted";
  } catch (const ExpressionFault& fault) {
    return std::to_string(fault.at) + ": " + fault.what + "; " + fault.hint;
  }
}

struct Case {
  const char* text;
  const char* value;
};

// What Python 3.11 prints for them, with its words for true and false.
TEST(Expressions, ReckonAsPythonDoes) {
  const Case cases[] = {
      {"1 + 2 * 3", "7"},
      {"(1 + 2) * 3", "9"},
      {"7 / 2", "3.5"},
      {"6 / 2", "3.0"},
      {"7 // 2", "3"},
      {"-7 // 2", "-4"},
      {"7 // -2", "-4"},
      {"-7 // 2.0", "-4.0"},
      {"7 % 3", "1"},
      {"-7 % 3", "2"},
      {"7 % -3", "-2"},
      {"-7.5 % 2", "0.5"},
      {"-4 % 2.0", "0.0"},
      {"4 % -2.0", "-0.0"},
      {"1.0 // 0.1", "9.0"},
      {"6.0 // 0.1", "59.0"},
      {"-1.0 // 0.1", "-10.0"},
      {"0.3 // 0.1", "2.0"},
      {"-1e-3 // 7", "-1.0"},
      {"-0.0 // 7", "-0.0"},
      {"2 ** 10", "1024"},
      {"2 ** -1", "0.5"},
      {"-2 ** 2", "-4"},
      {"2 ** 3 ** 2", "512"},
      {"(-8) ** 3", "-512"},
      {"1 - 2 - 3", "-4"},
      {"+5 - -3", "8"},
      {"1e-3 * 10", "0.01"},
      {".5 + 5.", "5.5"},
      {"round(0.5)", "0"},
      {"round(1.5)", "2"},
      {"round(2.345, 1)", "2.3"},
      {"round(2.675, 2)", "2.67"},
      {"round(0.15, 1)", "0.1"},
      {"round(0.125, 2)", "0.12"},
      {"round(-0.4, 0)", "-0.0"},
      {"round(1e300, 20)", "1e+300"},
      {"round(0.1, 400)", "0.1"},
      {"round(1234.5, -2)", "1200.0"},
      {"round(25.0, -1)", "20.0"},
      {"round(25.000001, -1)", "30.0"},
      {"round(50.0, -2)", "0.0"},
      {"round(9999999999999997952.0, -4)", "1e+19"},
      {"round(-50.5, -2)", "-100.0"},
      {"round(50.5, -400)", "0.0"},
      {"round(15, -1)", "20"},
      {"round(-25, -1)", "-20"},
      {"round(7, -1)", "10"},
      {"round(4, -1)", "0"},
      {"round(1234, 2)", "1234"},
      {"round(6000000000000000000, -19)", "1e+19"},
      {"round(6, -400)", "0"},
      {"floor(-1.5)", "-2"},
      {"ceil(1.2)", "2"},
      {"abs(-3)", "3"},
      {"abs(-0.5)", "0.5"},
      {"min(3, 1.5, 2)", "1.5"},
      {"max([1, 4, 2])", "4"},
      {"max('a', 'b')", "\"b\""},
      {"len([1, [2, 3]])", "2"},
      {"len('abc')", "3"},
      {"log2(8)", "3.0"},
      {"exp(0)", "1.0"},
      {"sqrt(2.25)", "1.5"},
      {"1 < 2 < 3", "true"},
      {"3 > 2 > 2", "false"},
      {"1 == 1.0", "true"},
      {"'1' == 1", "false"},
      {"1 != 2", "true"},
      {"'adam' < 'sgd'", "true"},
      {"2 in [1, 2]", "true"},
      {"3 not in [1, 2]", "true"},
      {"'da' in 'adam'", "true"},
      {"not 1 > 2", "true"},
      {"not true or true", "true"},
      {"false and true or true", "true"},
      {"true or false and false", "true"},
      {"1 if 2 > 1 else 3", "1"},
      {"1 if false else 2 if false else 3", "3"},
      {"[1, 2] + [3]", "[1,2,3]"},
      {"[64] * 3", "[64,64,64]"},
      {"0 * [1]", "[]"},
      {"'a' + \"b\"", "\"ab\""},
      {"'it\\'s'", "\"it's\""},
      {"[1, 2,]", "[1,2]"},
      {"null == None", "true"},
      {"1 +\n 2", "3"},
  };
  for (const Case& each : cases)
    EXPECT_EQ(ValueOf(each.text), each.value) << each.text;
}

TEST(Expressions, KeepWholeNumbersWholeUntilTheyDoNotFit) {
  EXPECT_EQ(ValueOf("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(ValueOf("9223372036854775807 + 0"), "9223372036854775807");
  EXPECT_EQ(ValueOf("9223372036854775807 + 1"), "9.223372036854776e+18");
  EXPECT_EQ(ValueOf("-9223372036854775807 - 1"), "-9223372036854775808");
  EXPECT_EQ(ValueOf("(-9223372036854775807 - 1) // -1"), "9.223372036854776e+18");
  EXPECT_EQ(ValueOf("(-9223372036854775807 - 1) % -1"), "0");
  EXPECT_EQ(ValueOf("-(-9223372036854775807 - 1)"), "9.223372036854776e+18");
  EXPECT_EQ(ValueOf("2 ** 62"), "4611686018427387904");
  EXPECT_EQ(ValueOf("2 ** 64"), "1.8446744073709552e+19");
  EXPECT_EQ(ValueOf("3037000500 * 3037000500"), "9.22337203700025e+18");
  EXPECT_EQ(ValueOf("floor(1e300)"), "1e+300");
}

TEST(Expressions, KnowParametersByTheirNames) {
  EXPECT_EQ(ValueOf("x * r"), "3.5");
  EXPECT_EQ(ValueOf("m.n + 1"), "4");
  EXPECT_EQ(ValueOf("`learning-rate` * 2"), "0.5");
  EXPECT_EQ(ValueOf("t == 'adam' and x in [5, 7]"), "true");
  EXPECT_EQ(ValueOf("b and len(l) == 2"), "true");
  const Expression expression("x + m.n * x - `a b`");
  EXPECT_THAT(expression.Names(), ElementsAre("x", "m.n", "a b"));
  EXPECT_THAT(expression.Places(), ElementsAre(0, 4, 14));
}

TEST(Expressions, OfWhatIsAbsentAreAbsentUnlessItIsLeftAside) {
  EXPECT_EQ(ValueOf("gone > 1"), "absent");
  EXPECT_EQ(ValueOf("1 + gone"), "absent");
  EXPECT_EQ(ValueOf("min(1, gone)"), "absent");
  EXPECT_EQ(ValueOf("[gone]"), "absent");
  EXPECT_EQ(ValueOf("not (gone > 1)"), "absent");
  EXPECT_EQ(ValueOf("gone > 1 or true"), "absent");
  EXPECT_EQ(ValueOf("true or gone > 1"), "true");
  EXPECT_EQ(ValueOf("t == 'sgd' and gone > 1"), "false");
  EXPECT_EQ(ValueOf("1 if b else gone"), "1");
}

TEST(Expressions, SayWhereTheyCannotBeReckoned) {
  EXPECT_EQ(ValueOf("1 + x / 0"), "6: a division by zero");
  EXPECT_EQ(ValueOf("x // 0.0"), "2: a division by zero");
  EXPECT_EQ(ValueOf("x % 0"), "2: a division by zero");
  EXPECT_EQ(ValueOf("1 + t"), "2: + does not take a number and a text");
  EXPECT_EQ(ValueOf("-t"), "0: - does not take a text");
  EXPECT_EQ(ValueOf("+t"), "0: + does not take a number and a text");
  EXPECT_EQ(ValueOf("b * 2"), "2: * does not take true or false and a number");
  EXPECT_EQ(ValueOf("x < t"), "2: a number and a text have no order");
  EXPECT_EQ(ValueOf("not x"), "4: a condition is true or false, not a number");
  EXPECT_EQ(ValueOf("b and x"), "6: a condition is true or false, not a number");
  EXPECT_EQ(ValueOf("1 if x else 2"), "5: a condition is true or false, not a number");
  EXPECT_EQ(ValueOf("log(0)"), "0: 0 has no logarithm");
  EXPECT_EQ(ValueOf("log2(-1)"), "0: -1 has no logarithm");
  EXPECT_EQ(ValueOf("sqrt(-1)"), "0: -1 has no square root");
  EXPECT_EQ(ValueOf("exp(1000)"), "0: the result is no finite number");
  EXPECT_EQ(ValueOf("10.0 ** 400"), "5: the result is no finite number");
  EXPECT_EQ(ValueOf("(-8) ** 0.5"), "5: the result is no finite number");
  EXPECT_EQ(ValueOf("0 ** -1"), "2: the result is no finite number");
  EXPECT_EQ(ValueOf("len(3)"), "0: len takes a list or a text, not a number");
  EXPECT_EQ(ValueOf("abs(t)"), "0: it takes a number, not a text");
  EXPECT_EQ(ValueOf("min([])"), "0: the list is empty");
  EXPECT_EQ(ValueOf("max(1, 'a')"),
            "0: min and max take numbers or texts, not a number beside a text");
  EXPECT_EQ(ValueOf("max([b])"),
            "0: min and max take numbers or texts, not true or false beside true or false");
  EXPECT_EQ(ValueOf("1 in 2"),
            "2: in looks into a list, or for a text in a text, not for a number in a number");
  EXPECT_EQ(ValueOf("round(1.7e308, -308)"), "0: the result is no finite number");
  EXPECT_EQ(ValueOf("round(r, 1.5)"), "0: round takes a whole number of decimals");
}

TEST(Expressions, ThatCannotBeReadSayWhereAndWhatToDo) {
  EXPECT_EQ(Refusal(""), "0: the expression is empty; write one, such as depth > 1");
  EXPECT_EQ(Refusal("a = 1"), "2: = means nothing here; compare with ==");
  EXPECT_EQ(Refusal("a && b"), "2: && means nothing here; write and");
  EXPECT_EQ(Refusal("a || b"), "2: || means nothing here; write or");
  EXPECT_EQ(Refusal("!a"), "0: ! means nothing here; write not");
  EXPECT_EQ(Refusal("a b"),
            "2: the name b is not expected here; an operator is missing, or a bracket is not open");
  EXPECT_EQ(Refusal("a +"),
            "3: the end is not expected here; a value, a name or a bracket belongs here");
  EXPECT_EQ(Refusal("min(a"),
            "3: this bracket is not closed; close it; within [ ] or { } of the file an expression "
            "with a comma stands in quotes");
  EXPECT_EQ(Refusal("(a ]"), "3: \"]\" is not expected here; a \",\" or \")\" is missing");
  EXPECT_EQ(Refusal("mim(1)"), "0: unknown function mim; did you mean min?");
  EXPECT_EQ(
      Refusal("import(1)"),
      "0: unknown function import; known: min max abs round floor ceil log log2 exp sqrt len");
  EXPECT_EQ(Refusal("sqrt(1, 2)"), "0: sqrt does not take 2 values; give it one");
  EXPECT_EQ(Refusal("min()"), "0: min does not take 0 values; give it one or more");
  EXPECT_EQ(Refusal("1 if b"), "2: this if has no else; write VALUE if CONDITION else VALUE");
  EXPECT_EQ(Refusal("a not b"), "6: \"in\" is missing after \"not\"; write VALUE not in [A, B]");
  EXPECT_EQ(Refusal("'abc"), "0: a text does not end; close it with '");
  EXPECT_EQ(Refusal("`abc"), "0: a name in backquotes does not end; write `its name`");
  EXPECT_THAT(Refusal("2x"), HasSubstr("0: a number runs into what follows"));
  EXPECT_THAT(Refusal("1.2.3"), HasSubstr("0: a number runs into what follows"));
  EXPECT_THAT(Refusal("1e999"), HasSubstr("0: this number is beyond all that can be written"));
  EXPECT_EQ(Refusal("a \x01"),
            "2: byte 0x01 means nothing here; operators are + - * / // % ** == "
            "!= < <= > >= and or not in");
}

TEST(Expressions, AreBoundedInDepthSizeAndWork) {
  EXPECT_THAT(Refusal(std::string(1000, '(')), HasSubstr("nested deeper than 64 levels"));
  EXPECT_THAT(Refusal(std::string(1000, '-') + "1"), HasSubstr("nested deeper than 64 levels"));
  std::string nots;
  std::string powers;
  std::string sums = "1";
  for (int i = 0; i < 400; ++i) {
    nots += "not ";
    powers += "2 ** ";
    sums += " + 1";
  }
  EXPECT_THAT(Refusal(nots + "x"), HasSubstr("nested deeper than 64 levels"));
  EXPECT_THAT(Refusal(powers + "2"), HasSubstr("nested deeper than 64 levels"));
  EXPECT_THAT(Refusal(sums), HasSubstr("more than 256 operations build on each other"));
  EXPECT_THAT(Refusal(std::string(5000, ' ') + "1"), HasSubstr("longer than 4096 bytes"));
  EXPECT_THAT(ValueOf("[1] * 2000"), HasSubstr("the list would be too long"));
  EXPECT_THAT(ValueOf("[[[1] * 100] * 100] * 100"), HasSubstr("the list would be too long"));
  EXPECT_THAT(ValueOf("[[[[[[[[[1]]]]]]]]]"), HasSubstr("too deep in each other"));
  EXPECT_EQ(ValueOf("[[[[[[[[1]]]]]]]]"), "[[[[[[[[1]]]]]]]]");
  const Json text(std::string(3000, 'a'));
  const Json* const values[] = {&text};
  EXPECT_EQ(Expression("s + s").Evaluate(values).fault.what,
            "the text would have more than 4096 bytes");
}

TEST(Expressions, CountWhatTheyTook) {
  Json list = Json::array();
  for (int i = 0; i < 1000; ++i)
    list.push_back(i);
  const Json* const values[] = {&list};
  EXPECT_GE(Expression("-1 in l").Evaluate(values).steps, 1000);
  EXPECT_GE(Expression("max(l)").Evaluate(values).steps, 1000);
  EXPECT_LE(Expression("1 + 1").Evaluate({}).steps, 10);
}

}  // namespace expression_test
}  // namespace ddl
