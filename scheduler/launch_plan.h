// SPDX-License-Identifier: Apache-2.0
// From a trial to the record that a supervisor can run: a pure function.
#pragma once

#include <optional>
#include <string>

#include "configs/spec.h"
#include "runner/messages.h"

namespace ddl {

struct LaunchSubject {
  const SweepSpec& spec;
  const SecretValues& secrets;
  const Configuration& configuration;
  const HostFacts& host;
  const Slots& slots;
  const std::string& trainer_path;
  JobId job;
  TrialId trial;
  std::int64_t number = 0;  // of the trial, within the sweep
  int seed_index = 0;
  int attempt = 1;
  const HostEntry* entry = nullptr;  // of hosts.yaml, where it has one
  std::string code_folder{};         // where the host has the sweep's code; "": it runs in place
  int lanes = 0;  // trials of a worker that it may be one of; 0: it has a process of its own
  // The trial from whose last checkpoint it goes on.
  struct Parent {
    TrialId trial;
    std::int64_t number = 0;
    // Its last checkpoint cannot be had: what an earlier attempt left on this host is an older one.
    bool is_lost = false;
  };
  std::optional<Parent> parent{};
  std::string brought{};  // where the host has the checkpoints that it goes on from; "": none came
};

// As many trials of the sweep as may share a process on a host that runs `at_once` of them. 0: each
// has its own, as a memory limit, GPUs, further threads and set-up lines need one.
[[nodiscard]] int LanesOf(const SweepSpec& spec, const HostEntry* entry, std::int64_t at_once);

// The token is not drawn here. Everything a trial sees that does not depend on its job folder.
[[nodiscard]] LaunchRecord PlanLaunch(const LaunchSubject& subject);

// Where a job's only rank lies on its host.
[[nodiscard]] std::string JobFolder(const HostFacts& host, JobId job);

// The arguments as a JSON list, for the store.
[[nodiscard]] std::string ArgvToJson(const LaunchRecord& record);

}  // namespace ddl
