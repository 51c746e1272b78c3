// SPDX-License-Identifier: Apache-2.0
// Any text as an expression: refused with a place within it, or evaluated, twice to the same, with
// names of every type and absent ones; a result is finite and small, and all takes a moment.
#include <cmath>
#include <ctime>
#include <vector>

#include "configs/expression.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace ddl;

bool IsFinite(const Json& value) {
  if (value.is_number()) return std::isfinite(value.get<double>());
  for (const Json& item : value.is_structured() ? value : Json(Json::array_t()))
    if (!IsFinite(item)) return false;
  return true;
}

void Check(const Expression& expression, std::size_t size, std::size_t shift) {
  static const std::vector<Json> kValues{
      3, -0.5, "adam", true, nullptr, {1, 2.5, "x"}, std::int64_t{1} << 62U, Json{{"a", 1}}};
  std::vector<const Json*> values;
  for (std::size_t i = 0; i < expression.Names().size(); ++i) {
    const std::size_t pick = (i + shift) % (kValues.size() + 1);
    values.push_back(pick == kValues.size() ? nullptr : &kValues[pick]);
  }
  const Evaluated once = expression.Evaluate(values);
  const Evaluated twice = expression.Evaluate(values);
  Promise(once.kind == twice.kind && once.value == twice.value && once.steps == twice.steps,
          "an expression is a function of its names");
  if (once.kind == Evaluated::Kind::kFault) {
    Promise(once.fault.at < size && !once.fault.what.empty(), "a fault has its place");
  } else if (once.kind == Evaluated::Kind::kValue) {
    Promise(IsFinite(once.value), "a value is finite");
    Promise(WeightOf(once.value) <= kMostListWeight, "a value is small");
    Promise(DumpJson(ParseJson(DumpJson(once.value), "value")) == DumpJson(once.value),
            "a value can be stored");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const clock_t begin = std::clock();
  try {
    const Expression expression(AsText(bytes, size));
    Promise(expression.Names().size() == expression.Places().size(), "each name has its place");
    for (std::size_t shift = 0; shift < 9; ++shift)
      Check(expression, size, shift);
  } catch (const ExpressionFault& fault) {
    Promise(fault.at <= size && !fault.what.empty() && !fault.hint.empty(),
            "a refusal has a place and a remedy");
  }
  Promise(std::clock() - begin < CLOCKS_PER_SEC / 2, "any expression takes a moment");
  return 0;
}
