// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/doctor.h"
#include "configs/error.h"

namespace ddl {

namespace {

// Of the JSON line that the trainer prints.
std::vector<Check> ChecksOf(const Json& limits) {
  const auto rate = [&](const char* key) { return limits.at(key).get<double>(); };
  std::vector<Check> checks{
      {"float32", CheckLevel::kOk,
       fmt::format("{:.1f} GFLOP/s in products of matrices, one core", rate("float32_gflops")),
       ""}};
  Check bf16{"bfloat16", CheckLevel::kOk, "not multiplied by this processor (AVX512-BF16)", ""};
  if (!limits.at("bf16_gflops").is_null()) {
    bf16.text =
        fmt::format("{:.1f} GFLOP/s in products of matrices, one core", rate("bf16_gflops"));
  }
  checks.push_back(bf16);
  checks.push_back(
      {"memory rate", CheckLevel::kOk,
       fmt::format("{:.1f} GB/s read and written by one core", rate("memory_gb_per_s")), ""});
  if (limits.at("kept").is_null()) {
    checks.push_back({"limits", CheckLevel::kWarning, "cannot be kept for later trainings",
                      "set DDL_CACHE to a folder that can be written"});
  } else {
    checks.push_back({"limits", CheckLevel::kOk, limits.at("kept").get<std::string>(), ""});
  }
  return checks;
}

}  // namespace

std::vector<Check> LimitChecks(int exit_code, const std::string& said) {
  try {
    if (exit_code == 0) return ChecksOf(ParseJson(said, "ddl-trainer --probe"));
  } catch (const Error&) {  // told below
  } catch (const Json::exception&) {
  }
  return {{"limits", CheckLevel::kFailure,
           fmt::format("ddl-trainer --probe measured nothing (exit {})", exit_code),
           "run it by hand to see why"}};
}

}  // namespace ddl
