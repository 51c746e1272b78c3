// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/conduct.h"
#include "cli/output.h"
#include "cli/program_check.h"
#include "cli/provenance.h"
#include "cli/secrets.h"
#include "cli/sweep_code.h"
#include "cli/trainer_check.h"
#include "cli/warm_start.h"
#include "configs/error.h"
#include "configs/spec_reader.h"

namespace ddl {

namespace {

std::vector<std::string> Overrides(const SweepOptions& options) {
  std::vector<std::string> overrides = options.overrides;
  if (options.parallel) overrides.push_back(fmt::format("parallel={}", *options.parallel));
  if (options.fail_fast) overrides.emplace_back("fail_fast=true");
  return overrides;
}

// A changed spec under a known name: asks in a terminal whether to begin another sweep.
bool WantsAnother(const Error& refusal, const SweepOptions& options) {
  if (refusal.Hint().find("--new") == std::string::npos) return false;
  if (options.yes) return true;
  const bool can_ask = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
  if (!can_ask || options.common.json) return false;
  fmt::print(stderr, "ddl: {}\nBegin another sweep of this name? [y/N] ", refusal.Message());
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace

int RunSweepCommand(const SweepOptions& options) {
  SpecReading reading = ReadSpecFile(options.spec_file, Overrides(options));
  const SpecPlaces places{options.spec_file, reading.text, Overrides(options)};
  CheckProgram(reading.spec, places);
  CheckSearchProgram(reading.spec, places);
  CheckTrainer(reading.spec, options.spec_file);
  for (const std::string& note : reading.notes) {
    PrintAside(fmt::format("note: {}\n", note));
  }
  SweepRequest request{
      reading.spec,      reading.text,         ProvenanceJson(reading.spec.workdir),
      options.begin_new, options.retry_failed, FindSecrets(reading.spec, options.spec_file)};
  const ConductOptions conduct{StoreToConduct(options.common.store), options.common.json,
                               options.quiet, options.detach, options.take_over};
  PrepareWarmStart(request, conduct.store_folder);
  try {
    PrepareCode(request, conduct.store_folder);
    return Conduct(request, conduct);
  } catch (const Error& refusal) {
    if (!WantsAnother(refusal, options)) throw;
    request.begin_new = true;
    PrepareCode(request, conduct.store_folder);
    return Conduct(request, conduct);
  }
}

}  // namespace ddl
