// SPDX-License-Identifier: Apache-2.0
#include "configs/method_reader.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "configs/nearest.h"
#include "configs/spec_keys.h"

namespace ddl {

namespace {

constexpr std::array<std::string_view, 10> kBuilt{"grid",  "random", "sobol", "tpe",    "gp",
                                                  "cmaes", "nsga2",  "auto",  "custom", "pbt"};

}  // namespace

std::optional<Method> ReadMethod(const SpecNode& node, SpecErrors& errors) {
  const auto read = ReadText(node, "method", errors);
  if (!read) return std::nullopt;
  const std::string name = *read == "bayes" ? "gp" : *read;
  if (std::ranges::find(kBuilt, name) != kBuilt.end()) {
    const auto* known = std::ranges::find(kMethodNames, name);
    return static_cast<Method>(known - kMethodNames.begin());
  }
  const std::string works = fmt::format("{} work", fmt::join(kBuilt, ", "));
  const std::string nearest = NearestName(*read, {kBuilt.begin(), kBuilt.end()});
  errors.Add(node, fmt::format("unknown method \"{}\"", *read),
             nearest.empty() ? works : fmt::format("did you mean \"{}\"?", nearest));
  return std::nullopt;
}

}  // namespace ddl
