// SPDX-License-Identifier: Apache-2.0
// The sections of a spec that are mappings or lists of their own. Each reads one and adds what is
// wrong with it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "configs/spec.h"
#include "configs/spec_errors.h"
#include "configs/spec_node.h"

namespace ddl {

// Keys that steer what is not done here are checked, and their paths put into `ignored`.
[[nodiscard]] Metric ReadMetric(const SpecNode& node, SpecErrors& errors,
                                std::vector<std::string>& ignored);
// W&B's form for several objectives: a list of metrics. A target is of the first alone.
[[nodiscard]] std::vector<Metric> ReadMetrics(const SpecNode& node, SpecErrors& errors);
// {sweep: NAME} or {file: PATH}, from `base_folder`; a limit where it is given.
[[nodiscard]] WarmStart ReadWarmStart(const SpecNode& node, const std::string& base_folder,
                                      SpecErrors& errors);
[[nodiscard]] Limits ReadLimits(const SpecNode& node, SpecErrors& errors);
[[nodiscard]] Resources ReadResources(const SpecNode& node, SpecErrors& errors);
[[nodiscard]] ResultsRule ReadResults(const SpecNode& node, SpecErrors& errors);
// auto, off or a number, as SweepSpec::fusion.
[[nodiscard]] int ReadFusion(const SpecNode& node, SpecErrors& errors);
// [{pattern: …, then: drain-gpu}, …]
[[nodiscard]] std::vector<FailureRule> ReadFailures(const SpecNode& node, SpecErrors& errors);
[[nodiscard]] std::vector<Capture> ReadCaptures(const SpecNode& node, SpecErrors& errors);
// NAME: VALUE, and NAME: {secret: NAME} where `secrets` takes such.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> ReadEnv(
    const SpecNode& node, SpecErrors& errors, std::vector<SecretVariable>* secrets = nullptr);

}  // namespace ddl
