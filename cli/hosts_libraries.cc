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

constexpr const char* kNobodyHasIt =
    "install CUDA's libraries there or here: until then the built-in trainer runs there on cores "
    "alone";

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

// Nothing is sent to this machine: its trials have what the loader finds.
Check Here(const NeededLibrary& needed) {
  const std::string& name = needed.need.name;
  if (needed.bytes > 0) {
    return {"cuda", CheckLevel::kOk, fmt::format("{}, which sweeps send to hosts without", name),
            ""};
  }
  return {"cuda", CheckLevel::kWarning, fmt::format("no {}", name),
          "install CUDA's libraries: until then the built-in trainer runs here on cores alone"};
}

std::string WouldBeSent(const NeededLibrary& needed) {
  if (needed.bytes == 0) return "this machine has none to send";
  return fmt::format("a sweep of the built-in trainer on GPUs sends {}, once",
                     FormatBytes(needed.bytes));
}

Check There(const NeededLibrary& needed, const std::vector<FoundLibrary>& libraries) {
  const Found found = Look(needed, libraries);
  if (!found.fits.empty()) return {"cuda", CheckLevel::kOk, found.fits, ""};
  const std::string what =
      fmt::format("{} of {} or later", needed.need.name, LibraryVersionText(needed.need.version));
  Check check{"cuda", CheckLevel::kWarning,
              fmt::format("no {}{}: {}", what, found.unfit, WouldBeSent(needed)), kHowToAvoid};
  if (!found.unknown.empty()) {
    check.text = fmt::format("{}, whose name tells no version, is tried; if it is not {}, {}",
                             found.unknown, what, WouldBeSent(needed));
  }
  if (needed.bytes == 0) check.remedy = kNobodyHasIt;
  return check;
}

}  // namespace

std::vector<Check> LibraryChecks(const HostLine& host, const HostReport& report) {
  std::vector<Check> checks;
  if (report.facts.gpus.empty()) return checks;
  const bool is_here = host.entry.address == kLocalAddress;
  for (const NeededLibrary& needed : host.needed) {
    checks.push_back(is_here ? Here(needed) : There(needed, report.libraries));
  }
  return checks;
}

}  // namespace ddl
