// SPDX-License-Identifier: Apache-2.0
// The one reader of specs: YAML text in, a complete SweepSpec out, or every error of the file at
// once. docs: configs/README.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "configs/inventory.h"
#include "configs/spec.h"

namespace ddl {

struct ReadOptions {
  std::string file_name;    // for messages; its stem is the default name
  std::string base_folder;  // absolute; `workdir` is relative to it
  // "KEY=VALUE": a key of the spec (run_cap=8, metric.target=0.9), else values of a parameter
  // (lr=0.1,0.01: a list; a single value is a constant).
  std::vector<std::string> overrides;
  Inventory inventory{};         // what names and labels of hosts mean
  bool may_run_nothing = false;  // trials that run outside need no command
};

struct SpecReading {
  SweepSpec spec;
  std::string text;                // as it was read
  std::vector<std::string> notes;  // keys that mean nothing here, said once
};

// Throws one Error that lists all that is wrong.
[[nodiscard]] SpecReading ReadSpec(std::string_view yaml_text, const ReadOptions& options);
// Every key that the top of a spec may have.
[[nodiscard]] std::vector<std::string_view> SpecKeyNames();
// With the hosts.yaml that belongs to the file.
[[nodiscard]] SpecReading ReadSpecFile(const std::string& path,
                                       const std::vector<std::string>& overrides,
                                       bool may_run_nothing = false);

// A sweep of one trial that runs `argv` as it stands, in the current folder. `name` "": the
// program's.
[[nodiscard]] SweepSpec CommandSpec(const std::vector<std::string>& argv, const std::string& name,
                                    const std::vector<std::string>& overrides);

}  // namespace ddl
