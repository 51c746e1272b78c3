// SPDX-License-Identifier: Apache-2.0
#include "configs/pbt_settings.h"

#include "configs/error.h"

namespace ddl {

Json ToJson(const PbtSettings& settings) {
  return {{"population", settings.population},
          {"perturbation_interval", settings.interval},
          {"max_iter", settings.max_iter},
          {"quantile_fraction", settings.quantile},
          {"resample_probability", settings.resample_probability},
          {"perturbation_factors", settings.factors}};
}

PbtSettings PbtSettingsFromJson(const Json& json) {
  PbtSettings settings;
  const auto whole = [&json](const char* key) {
    const auto value = WholeNumber<std::int64_t>(json.at(key));
    if (value < 1 || value > 1'000'000'000) throw Error("pbt's numbers are out of range", key, "");
    return value;
  };
  settings.population = whole("population");
  settings.interval = whole("perturbation_interval");
  settings.max_iter = whole("max_iter");
  settings.quantile = json.at("quantile_fraction").get<double>();
  settings.resample_probability = json.at("resample_probability").get<double>();
  settings.factors = json.at("perturbation_factors").get<std::vector<double>>();
  if (settings.factors.empty()) throw Error("pbt has no factors", "perturbation_factors", "");
  return settings;
}

}  // namespace ddl
