// SPDX-License-Identifier: Apache-2.0
// What becomes of a spec that a user hands in: a new sweep, one to go on with, or a refusal.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "configs/spec.h"
#include "store/store.h"

namespace ddl {

// A spec on its way to a coordinator, in this process or over the socket.
struct SweepRequest {
  SweepSpec spec;
  std::string spec_text;
  std::string provenance_json;
  bool begin_new = false;     // --new
  bool retry_failed = false;  // --retry-failed
  SecretValues secrets{};     // kept in memory alone
};

struct BeginSweep {};
struct GoOnWithSweep {
  bool spec_changed = false;  // in place: run_cap upward, limits, hosts, …
};
struct SweepIsOver {};
// The same name, but another content: `difference` has a line a change.
struct SweepDiffers {
  std::string difference;
};

using Admission = std::variant<BeginSweep, GoOnWithSweep, SweepIsOver, SweepDiffers>;

// `known` is the newest sweep of the same name. Pure.
[[nodiscard]] Admission Admit(const SweepRequest& request,
                              const std::optional<SweepHistory>& known);

// A sweep that was extended keeps its trials, and one whose hosts were changed its hosts: the file,
// which nobody had to change for that, may say what it said before. Anything else there is what the
// user asks for now. Its code stays too.
[[nodiscard]] SweepSpec WithExtension(const SweepSpec& stored, SweepSpec asked);

[[nodiscard]] Json ToJson(const SweepRequest& request);
[[nodiscard]] SweepRequest SweepRequestFromJson(const Json& json);

// The exit code of `ddl sweep` for an outcome: 0, 1, 3 or 4.
[[nodiscard]] int ExitCodeOf(SweepOutcome outcome);

}  // namespace ddl
