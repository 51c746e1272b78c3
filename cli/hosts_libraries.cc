// SPDX-License-Identifier: Apache-2.0
// Libraries of CUDA on a host with GPUs: what a sweep of the built-in trainer will find there, and
// what it will send.
#include <optional>

#include <fmt/format.h>

#include "cli/format.h"
#include "cli/hosts.h"

namespace ddl {

namespace {

constexpr const char* kHowToAvoid =
    "to avoid that install CUDA's libraries there, or let LD_LIBRARY_PATH or CUDA_HOME in that "
    "host's `env` of hosts.yaml say where they are";

// The one that a sweep would take.
struct Found {
  std::string fits;     // what it is; "": none does, as far as names tell
  std::string unknown;  // one whose name tells no version
  std::string unfit;
};

Found Look(const NeededLibrary& needed, const std::vector<FoundLibrary>& libraries) {
  Found found;
  for (const FoundLibrary& library : libraries) {
    if (library.name != needed.need.name) continue;
    const auto version = VersionInFileName(library.file, library.name);
    if (library.is_sent) {
      found.fits = fmt::format("{}, sent by a sweep before", library.name);
    } else if (!version) {
      if (found.unknown.empty()) found.unknown = library.path;
    } else if (*version >= needed.need.version) {
      found.fits =
          fmt::format("{} {} ({})", library.name, LibraryVersionText(*version), library.path);
    } else {
      found.unfit = fmt::format("; {} is {}", library.path, LibraryVersionText(*version));
    }
    if (!found.fits.empty()) return found;
  }
  return found;
}

std::string WouldBeSent(const NeededLibrary& needed) {
  if (needed.bytes == 0) return "this machine has none to send";
  return fmt::format("a sweep of the built-in trainer on GPUs sends {}, once",
                     FormatBytes(needed.bytes));
}

}  // namespace

std::vector<Check> LibraryChecks(const HostLine& host, const HostReport& report) {
  std::vector<Check> checks;
  if (report.facts.gpus.empty()) return checks;
  for (const NeededLibrary& needed : host.needed) {
    const Found found = Look(needed, report.libraries);
    Check check{"cuda", CheckLevel::kOk, found.fits, ""};
    const std::string what =
        fmt::format("{} of {} or later", needed.need.name, LibraryVersionText(needed.need.version));
    if (!found.fits.empty()) {
      checks.push_back(std::move(check));
      continue;
    }
    check.level = CheckLevel::kWarning;
    if (!found.unknown.empty()) {
      check.text = fmt::format("{}, whose name tells no version, is tried; if it is not {}, {}",
                               found.unknown, what, WouldBeSent(needed));
    } else {
      check.text = fmt::format("no {}{}: {}", what, found.unfit, WouldBeSent(needed));
    }
    check.remedy = needed.bytes > 0
                       ? kHowToAvoid
                       : "install CUDA's libraries there or here: until then the built-in trainer "
                         "runs there on cores alone";
    checks.push_back(std::move(check));
  }
  return checks;
}

}  // namespace ddl
