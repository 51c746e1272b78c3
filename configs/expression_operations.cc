// SPDX-License-Identifier: Apache-2.0
#include "configs/expression_operations.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

namespace ddl {

namespace {

// Whole numbers that 64 bits hold with a sign.
std::optional<std::int64_t> Whole(const Json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > kMost) return std::nullopt;
  return value.get<std::int64_t>();
}

Json Finite(double value, std::string& problem) {
  if (!std::isfinite(value)) problem = "the result is no finite number";
  return value;
}

// A real number that is whole, as such where 64 bits hold it.
Json AsWhole(double value, std::string& problem) {
  constexpr double kMost = 0x1p63;
  if (value >= -kMost && value < kMost) return static_cast<std::int64_t>(value);
  return Finite(value, problem);
}

// By reference: `whole` is written while the other arguments are found.
Json WholeResult(bool overflows, const std::int64_t& whole, double real, std::string& problem) {
  return overflows ? Finite(real, problem) : Json(whole);
}

Json FloorDivided(std::int64_t a, std::int64_t b) {
  if (b == -1 && a == std::numeric_limits<std::int64_t>::min()) return -static_cast<double>(a);
  const bool rounds_down = a % b != 0 && (a < 0) != (b < 0);
  return a / b - (rounds_down ? 1 : 0);
}

// The remainder has the sign of the divisor, as Python has it.
Json Remainder(std::int64_t a, std::int64_t b) {
  if (b == -1) return 0;
  const std::int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

double Remainder(double a, double b) {
  const double rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(0.0, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

// As Python's float_floor_div: by the exact remainder, for a / b is rounded before it is floored.
double FloorDivided(double a, double b) {
  const double rest = std::fmod(a, b);
  const bool rounds_down = rest != 0 && (rest < 0) != (b < 0);
  const double quotient = (a - rest) / b - (rounds_down ? 1 : 0);
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floor = std::floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

// By squaring; nothing beyond 64 bits.
std::optional<std::int64_t> WholePower(std::int64_t base, std::int64_t exponent) {
  std::int64_t power = 1;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1 && __builtin_mul_overflow(power, base, &power)) return std::nullopt;
    if (exponent > 1 && __builtin_mul_overflow(base, base, &base)) return std::nullopt;
  }
  return power;
}

Json OfWholes(Operation operation, std::int64_t a, std::int64_t b, std::string& problem) {
  const auto x = static_cast<double>(a);
  const auto y = static_cast<double>(b);
  std::int64_t result = 0;
  switch (operation) {
    case Operation::kAdd:
      return WholeResult(__builtin_add_overflow(a, b, &result), result, x + y, problem);
    case Operation::kSubtract:
      return WholeResult(__builtin_sub_overflow(a, b, &result), result, x - y, problem);
    case Operation::kMultiply:
      return WholeResult(__builtin_mul_overflow(a, b, &result), result, x * y, problem);
    case Operation::kFloorDivide:
      return FloorDivided(a, b);
    case Operation::kRemainder:
      return Remainder(a, b);
    case Operation::kPower: {
      const std::optional<std::int64_t> power = b >= 0 ? WholePower(a, b) : std::nullopt;
      return power ? Json(*power) : Finite(std::pow(x, y), problem);
    }
    default:
      return Finite(x / y, problem);
  }
}

Json OfReals(Operation operation, double x, double y, std::string& problem) {
  switch (operation) {
    case Operation::kAdd:
      return Finite(x + y, problem);
    case Operation::kSubtract:
      return Finite(x - y, problem);
    case Operation::kMultiply:
      return Finite(x * y, problem);
    case Operation::kFloorDivide:
      return Finite(FloorDivided(x, y), problem);
    case Operation::kRemainder:
      return Finite(Remainder(x, y), problem);
    case Operation::kPower:
      return Finite(std::pow(x, y), problem);
    default:
      return Finite(x / y, problem);
  }
}

bool Divides(Operation operation) {
  return operation == Operation::kDivide || operation == Operation::kFloorDivide ||
         operation == Operation::kRemainder;
}

std::string_view SignOf(Operation operation) {
  switch (operation) {
    case Operation::kAdd:
      return "+";
    case Operation::kSubtract:
      return "-";
    case Operation::kMultiply:
      return "*";
    case Operation::kDivide:
      return "/";
    case Operation::kFloorDivide:
      return "//";
    case Operation::kRemainder:
      return "%";
    default:
      return "**";
  }
}

int DepthOf(const Json& value) {
  int depth = 0;
  for (const Json& item : value) {
    if (item.is_structured()) depth = std::max(depth, DepthOf(item));
  }
  return depth + 1;
}

Json Joined(const Json& a, const Json& b, std::string& problem) {
  if (a.is_string()) {
    std::string text = a.get<std::string>() + b.get_ref<const std::string&>();
    if (text.size() > kMostTextBytes) {
      problem = fmt::format("the text would have more than {} bytes", kMostTextBytes);
    }
    return text;
  }
  Json list = a;
  list.insert(list.end(), b.begin(), b.end());
  CheckList(list, problem);
  return list;
}

Json Repeated(const Json& list, std::int64_t times, std::string& problem) {
  Json repeated = Json::array();
  if (times > 0 && times > kMostListWeight / WeightOf(list)) {
    problem = "the list would be too long";
    return repeated;
  }
  for (std::int64_t i = 0; i < times; ++i) {
    repeated.insert(repeated.end(), list.begin(), list.end());
  }
  return repeated;
}

// Negative: less; 0: equal; of two numbers or two texts.
int Order(const Json& a, const Json& b) {
  if (a == b) return 0;
  return a < b ? -1 : 1;
}

Json Extreme(Function function, std::span<const Json> values, std::string& problem) {
  if (values.size() == 1 && values.front().is_array()) {
    const auto& items = values.front().get_ref<const Json::array_t&>();
    if (items.empty()) {
      problem = "the list is empty";
      return {};
    }
    return Extreme(function, items, problem);
  }
  const Json* best = &values.front();
  for (const Json& value : values) {
    const bool fits =
        (value.is_number() && best->is_number()) || (value.is_string() && best->is_string());
    if (!fits) {
      problem = fmt::format("min and max take numbers or texts, not {} beside {}", TypeName(*best),
                            TypeName(value));
      return {};
    }
    const int order = Order(value, *best);
    if (function == Function::kMin ? order < 0 : order > 0) best = &value;
  }
  return *best;
}

// To a multiple of 10^zeros, halves to the even one.
Json RoundedToTens(std::int64_t value, std::int64_t zeros, std::string& problem) {
  constexpr std::int64_t kMostZeros = 19;  // that 64 bits hold
  if (zeros > kMostZeros) return 0;
  std::uint64_t unit = 1;
  for (std::int64_t i = 0; i < zeros; ++i) {
    unit *= 10;
  }
  const auto bits = static_cast<std::uint64_t>(value);
  std::uint64_t size = value < 0 ? -bits : bits;
  const std::uint64_t rest = size % unit;
  size -= rest;
  const std::uint64_t missing = unit - rest;
  if (rest > missing || (rest == missing && size / unit % 2 == 1)) size += unit;
  const auto real = static_cast<double>(size);
  const bool fits = size <= std::uint64_t{std::numeric_limits<std::int64_t>::max()};
  if (!fits) return Finite(value < 0 ? -real : real, problem);
  const auto whole = static_cast<std::int64_t>(size);
  return value < 0 ? -whole : whole;
}

constexpr std::int64_t kMostDecimals = 323;  // of a double; before the point it has 309 digits

// By the digits that it has exactly, as Python does: 2.675 is a little less than that.
Json RoundedAt(double value, std::int64_t decimals, std::string& problem) {
  if (value == 0 || decimals > kMostDecimals) return value;
  const double size = std::abs(value);
  double exponent = std::floor(std::log10(size));
  if (std::pow(10.0, exponent) > size) --exponent;  // the logarithm was rounded up
  const std::int64_t digits = decimals + static_cast<std::int64_t>(exponent);
  if (decimals < 0 && digits < 0) {
    const auto zeros = static_cast<double>(-decimals);
    const bool is_up = digits == -1 && size > 5 * std::pow(10.0, zeros - 1);
    return Finite(std::copysign(is_up ? std::pow(10.0, zeros) : 0, value), problem);
  }
  std::array<char, 2 * kMostDecimals> text{};
  const bool is_fixed = decimals >= 0;
  const char* const end =
      std::to_chars(text.begin(), text.end(), value,
                    is_fixed ? std::chars_format::fixed : std::chars_format::scientific,
                    static_cast<int>(is_fixed ? decimals : digits))
          .ptr;
  double rounded = std::numeric_limits<double>::infinity();
  std::from_chars(text.data(), end, rounded);
  return Finite(rounded, problem);
}

// Halves to the even neighbour, as Python rounds them.
Json Rounded(std::span<const Json> arguments, std::string& problem) {
  const Json& value = arguments.front();
  const std::optional<std::int64_t> whole = Whole(value);
  if (arguments.size() == 1) {
    return whole ? value : AsWhole(std::nearbyint(value.get<double>()), problem);
  }
  const std::optional<std::int64_t> decimals = Whole(arguments.back());
  if (!decimals) {
    problem = "round takes a whole number of decimals";
    return {};
  }
  const auto places = std::clamp<std::int64_t>(*decimals, -kMostDecimals, kMostDecimals + 1);
  if (!whole) return RoundedAt(value.get<double>(), places, problem);
  return places < 0 ? RoundedToTens(*whole, -places, problem) : value;
}

Json Logarithm(Function function, double value, std::string& problem) {
  if (value <= 0) {
    problem = fmt::format("{} has no logarithm", FormatNumber(value));
    return {};
  }
  return function == Function::kLog ? std::log(value) : std::log2(value);
}

Json OfNumber(Function function, const Json& value, std::string& problem) {
  const std::optional<std::int64_t> whole = Whole(value);
  const auto real = value.get<double>();
  switch (function) {
    case Function::kAbs:
      return whole && *whole < 0 ? Negated(value, problem) : whole ? value : Json(std::abs(real));
    case Function::kFloor:
      return whole ? value : AsWhole(std::floor(real), problem);
    case Function::kCeil:
      return whole ? value : AsWhole(std::ceil(real), problem);
    case Function::kLog:
    case Function::kLog2:
      return Logarithm(function, real, problem);
    case Function::kExp:
      return Finite(std::exp(real), problem);
    default:
      if (real < 0) problem = fmt::format("{} has no square root", FormatNumber(real));
      return std::sqrt(std::max(real, 0.0));
  }
}

bool IsIn(const Json& value, const Json& in, std::string& problem) {
  if (in.is_array()) return std::ranges::find(in, value) != in.end();
  if (in.is_string() && value.is_string()) {
    return in.get_ref<const std::string&>().find(value.get_ref<const std::string&>()) !=
           std::string::npos;
  }
  problem = fmt::format("in looks into a list, or for a text in a text, not for {} in {}",
                        TypeName(value), TypeName(in));
  return false;
}

}  // namespace

void CheckList(const Json& list, std::string& problem) {
  if (WeightOf(list) > kMostListWeight) problem = "the list would be too long";
  if (DepthOf(list) > kMostListDepth) problem = "lists would stand too deep in each other";
}

Json Arithmetic(Operation operation, const Json& a, const Json& b, std::string& problem) {
  if (a.is_number() && b.is_number()) {
    if (Divides(operation) && b.get<double>() == 0) {
      problem = "a division by zero";
      return {};
    }
    const std::optional<std::int64_t> x = Whole(a);
    const std::optional<std::int64_t> y = Whole(b);
    return x && y ? OfWholes(operation, *x, *y, problem)
                  : OfReals(operation, a.get<double>(), b.get<double>(), problem);
  }
  const bool are_lists = a.is_array() && b.is_array();
  if (operation == Operation::kAdd && (are_lists || (a.is_string() && b.is_string()))) {
    return Joined(a, b, problem);
  }
  if (operation == Operation::kMultiply) {
    if (a.is_array() && Whole(b)) return Repeated(a, *Whole(b), problem);
    if (b.is_array() && Whole(a)) return Repeated(b, *Whole(a), problem);
  }
  problem = fmt::format("{} does not take {} and {}", SignOf(operation), TypeName(a), TypeName(b));
  return {};
}

Json Negated(const Json& value, std::string& problem) {
  if (!value.is_number()) {
    problem = fmt::format("- does not take {}", TypeName(value));
    return {};
  }
  const std::optional<std::int64_t> whole = Whole(value);
  const bool fits = whole && *whole != std::numeric_limits<std::int64_t>::min();
  return fits ? Json(-*whole) : Json(-value.get<double>());
}

bool Compare(Relation relation, const Json& a, const Json& b, std::string& problem) {
  if (relation == Relation::kEqual) return a == b;
  if (relation == Relation::kUnequal) return a != b;
  if (relation == Relation::kIn) return IsIn(a, b, problem);
  if (relation == Relation::kOut) return !IsIn(a, b, problem);
  if (!(a.is_number() && b.is_number()) && !(a.is_string() && b.is_string())) {
    problem = fmt::format("{} and {} have no order", TypeName(a), TypeName(b));
    return false;
  }
  const int order = Order(a, b);
  switch (relation) {
    case Relation::kLess:
      return order < 0;
    case Relation::kAtMost:
      return order <= 0;
    case Relation::kMore:
      return order > 0;
    default:
      return order >= 0;
  }
}

Json CallFunction(Function function, std::span<const Json> arguments, std::string& problem) {
  const Json& first = arguments.front();
  if (function == Function::kMin || function == Function::kMax) {
    return Extreme(function, arguments, problem);
  }
  if (function == Function::kLen) {
    if (first.is_array()) return std::ssize(first);
    if (first.is_string()) return std::ssize(first.get_ref<const std::string&>());
    problem = fmt::format("len takes a list or a text, not {}", TypeName(first));
    return {};
  }
  if (!first.is_number()) {
    problem = fmt::format("it takes a number, not {}", TypeName(first));
    return {};
  }
  return function == Function::kRound ? Rounded(arguments, problem)
                                      : OfNumber(function, first, problem);
}

}  // namespace ddl
