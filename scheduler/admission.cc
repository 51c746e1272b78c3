// SPDX-License-Identifier: Apache-2.0
#include "scheduler/admission.h"

#include <algorithm>

#include "configs/spec_difference.h"

namespace ddl {

Admission Admit(const SweepRequest& request, const std::optional<SweepHistory>& known) {
  if (!known || request.begin_new) return BeginSweep{};
  const SweepSpec before = SpecFromJson(ParseJson(known->spec_json, "spec in the store"));
  const SpecDifference difference = DifferenceOf(before, WithExtension(before, request.spec));
  if (!difference.in_place) return SweepDiffers{difference.text};
  // Who stopped it may want the rest after all, and a search may have been mended; a limit or a
  // failure of trials would only be met again.
  const bool was_stopped =
      known->state == SweepState::kStopped && (known->outcome == SweepOutcome::kStoppedByUser ||
                                               known->outcome == SweepOutcome::kSearchFailed);
  const bool over = known->state != SweepState::kRunning && !was_stopped;
  const bool changed = !difference.text.empty();
  if (over && !changed && !request.retry_failed) return SweepIsOver{};
  return GoOnWithSweep{changed};
}

namespace {

// Of hosts that were added, what was said then; of the others, what hosts.yaml says now.
void KeepHosts(const SweepSpec& stored, SweepSpec& asked) {
  asked.drained = stored.drained;
  if (stored.hosts_before_change && asked.hosts == *stored.hosts_before_change) {
    asked.hosts = stored.hosts;
    for (const HostEntry& entry : stored.inventory) {
      const auto known = std::ranges::find(asked.inventory, entry.address, &HostEntry::address);
      if (known == asked.inventory.end()) asked.inventory.push_back(entry);
    }
    std::erase_if(asked.inventory, [&asked](const HostEntry& entry) {
      return std::ranges::count(asked.hosts, entry.address) == 0;
    });
  }
  if (asked.hosts == stored.hosts) asked.hosts_before_change = stored.hosts_before_change;
}

}  // namespace

SweepSpec WithExtension(const SweepSpec& stored, SweepSpec asked) {
  const bool is_unchanged =
      stored.run_cap_before_extension && asked.run_cap == stored.run_cap_before_extension;
  if (is_unchanged) asked.run_cap = stored.run_cap;
  if (asked.run_cap == stored.run_cap) {
    asked.run_cap_before_extension = stored.run_cap_before_extension;
  }
  // A sweep goes on with the code that it began with.
  asked.snapshot = asked.snapshot || stored.snapshot;
  if (!stored.code.empty()) asked.code = stored.code;
  asked.warm_points = stored.warm_points;
  KeepHosts(stored, asked);
  return asked;
}

Json ToJson(const SweepRequest& request) {
  return {{"spec", ResolvedSpec(request.spec)},    {"spec_text", request.spec_text},
          {"provenance", request.provenance_json}, {"begin_new", request.begin_new},
          {"retry_failed", request.retry_failed},  {"secrets", request.secrets}};
}

SweepRequest SweepRequestFromJson(const Json& json) {
  SweepRequest request;
  request.spec = SpecFromJson(json.at("spec"));
  request.spec_text = json.at("spec_text").get<std::string>();
  request.provenance_json = json.at("provenance").get<std::string>();
  request.begin_new = json.at("begin_new").get<bool>();
  request.retry_failed = json.at("retry_failed").get<bool>();
  request.secrets = json.at("secrets").get<SecretValues>();
  return request;
}

int ExitCodeOf(SweepOutcome outcome) {
  switch (outcome) {
    case SweepOutcome::kNone:
    case SweepOutcome::kAllDone:
    case SweepOutcome::kTargetReached:
      return 0;
    case SweepOutcome::kSomeFailed:
    case SweepOutcome::kStoppedByUser:
      return 1;
    case SweepOutcome::kTargetMissed:
    case SweepOutcome::kLimitReached:
      return 4;
    case SweepOutcome::kSearchFailed:
      return 3;
  }
  return 3;
}

}  // namespace ddl
