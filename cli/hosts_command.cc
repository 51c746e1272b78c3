// SPDX-License-Identifier: Apache-2.0
// ddl hosts: asks them what they have, or tells the coordinator which ones trials get.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "cli/act.h"
#include "cli/ask.h"
#include "cli/choose.h"
#include "cli/commands.h"
#include "cli/executables.h"
#include "cli/hosts.h"
#include "cli/output.h"
#include "configs/error.h"
#include "configs/inventory.h"
#include "configs/library_need.h"
#include "runner/host_libraries.h"
#include "runner/program_files.h"
#include "store/location.h"
#include "store/reader.h"

namespace ddl {

namespace {

constexpr int kCannotBeUsed = 3;
constexpr std::chrono::seconds kAskWithin{20};

std::string FolderHere() {
  return std::filesystem::current_path();
}

void AddOnce(const HostEntry& entry, std::vector<HostLine>& hosts) {
  const auto same = std::ranges::find(hosts, entry.address,
                                      [](const HostLine& host) { return host.entry.address; });
  if (same == hosts.end()) hosts.push_back({.entry = entry, .answer = ProbeProblem{}});
}

// This machine, all of hosts.yaml, and what open sweeps use besides; or those named.
std::vector<HostLine> WhichHosts(const HostsOptions& options, const Inventory& inventory,
                                 const Json& known) {
  std::vector<HostLine> hosts;
  for (const std::string& word : options.hosts) {
    for (const HostEntry& entry : FindHosts(word, inventory)) {
      AddOnce(entry, hosts);
    }
  }
  if (!options.hosts.empty()) return hosts;
  AddOnce(FindHosts(kLocalAddress, inventory).front(), hosts);
  for (const HostEntry& entry : inventory.hosts) {
    AddOnce(entry, hosts);
  }
  for (const Json& host : known) {
    for (const HostEntry& entry : FindHosts(host.at("address").get<std::string>(), inventory)) {
      AddOnce(entry, hosts);
    }
  }
  return hosts;
}

// What a store that nobody runs remembers: drains of sweeps that did not end.
Json DrainedInStore(const std::string& folder) {
  Json known = Json::array();
  if (!std::filesystem::exists(std::filesystem::path(folder) / "ddl.db")) return known;
  const StoreReader reader = StoreReader::Open(folder);
  for (const SweepLine& sweep : reader.Sweeps()) {
    if (sweep.state != SweepState::kRunning) continue;
    const SweepSpec spec = SpecFromJson(ParseJson(reader.SpecJson(sweep.id), "spec in the store"));
    for (const DrainedHost& drained : spec.drained) {
      known.push_back({{"address", drained.host},
                       {"drained", drained.gpu.empty()},
                       {"set_aside", false},
                       {"why", fmt::format("{} is drained{}{}",
                                           drained.gpu.empty() ? drained.host : drained.gpu,
                                           drained.reason.empty() ? "" : ": ", drained.reason)}});
    }
  }
  return known;
}

// What a coordinator of this store knows of hosts; else what the store does. One that cannot be
// read, or that a sweep is just making, keeps nobody from looking at hosts.
Json KnownOfHosts(const std::string& folder) {
  if (const auto told = AskAboutHosts(folder)) return ParseJson(*told, "control socket");
  try {
    return DrainedInStore(folder);
  } catch (const Error& problem) {
    fmt::print(stderr, "note: what is drained is not known: {}\n", problem.what());
    return Json::array();
  }
}

// What libddl_cuda needs of CUDA, and what of it this machine could send. Nothing: this ddl was
// built without.
std::vector<NeededLibrary> NeededOnGpus() {
  const std::string library = SiblingPath(kGpuLibrary);
  std::vector<NeededLibrary> needed;
  std::vector<LibraryNeed> needs = LibraryNeedsOf(library);
  if (needs.empty()) return needed;
  const LibraryFiles found = FilesOfLibrary(library);
  for (LibraryNeed& need : needs) {
    const std::string path = found.libraries.at("lib/" + need.name);
    std::error_code is_gone;
    const auto bytes = path.empty() ? 0 : std::filesystem::file_size(path, is_gone);
    needed.push_back({std::move(need), is_gone ? 0 : static_cast<std::int64_t>(bytes)});
  }
  return needed;
}

std::vector<HostLine> LookAtHosts(const HostsOptions& options) {
  const Json known = KnownOfHosts(FindStoreFolder(options.common.store));
  std::vector<HostLine> hosts = WhichHosts(options, FindInventory(FolderHere()), known);
  const std::vector<NeededLibrary> needed =
      options.verb == "check" ? NeededOnGpus() : std::vector<NeededLibrary>{};
  std::vector<HostQuestion> questions;
  for (HostLine& host : hosts) {
    HostQuestion question{host.entry.address, {{}, LibraryFoldersOf(host.entry.env)}};
    for (const NeededLibrary& library : needed) {
      question.libraries.names.push_back(library.need.name);
    }
    questions.push_back(std::move(question));
    host.needed = needed;
  }
  std::vector<ProbeAnswer> answers =
      ProbeHosts(questions, SiblingExecutable("ddl-agent"), kAskWithin);
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    hosts[i].answer = std::move(answers[i]);
    for (const Json& host : known) {
      if (host.at("address") != hosts[i].entry.address) continue;
      hosts[i].is_drained = host.at("drained").get<bool>();
      hosts[i].is_set_aside = host.at("set_aside").get<bool>();
      hosts[i].why = host.at("why").get<std::string>();
    }
  }
  return hosts;
}

int List(const HostsOptions& options) {
  const std::vector<HostLine> hosts = LookAtHosts(options);
  if (options.common.json) {
    PrintJson(HostsJson(hosts));
  } else {
    PrintLines(HostsLines(hosts, DetectTerminal()));
  }
  return 0;
}

int CheckThem(const HostsOptions& options) {
  bool can_be_used = true;
  Json list = Json::array();
  for (const HostLine& host : LookAtHosts(options)) {
    const std::vector<Check> checks = ChecksOf(host);
    can_be_used = can_be_used && !AnyFailure(checks);
    if (options.common.json) {
      Json found = DoctorJson(checks);
      found["host"] = host.entry.name;
      list.push_back(std::move(found));
    } else {
      const Terminal terminal = DetectTerminal();
      PrintText(Painted(host.entry.name, Style::kBold, terminal) + "\n");
      PrintLines(DoctorLines(checks, terminal));
    }
  }
  if (options.common.json) PrintJson({{"ok", can_be_used}, {"hosts", std::move(list)}});
  return can_be_used ? 0 : kCannotBeUsed;
}

UserVerb VerbNamed(const std::string& verb) {
  if (verb == "drain") return UserVerb::kDrainHost;
  if (verb == "resume") return UserVerb::kResumeHost;
  return verb == "add" ? UserVerb::kAddHost : UserVerb::kRemoveHost;
}

// One word may name several hosts (a label). A host that hosts.yaml does not have any more is still
// known to the sweeps that use it.
std::vector<ActWord> WordsFor(const HostsOptions& options, const std::string& word,
                              const Inventory& inventory) {
  ActWord act;
  act.sweep = options.sweep;
  act.acts.verb = VerbNamed(options.verb);
  act.acts.reason = options.reason;
  act.acts.host = word;
  const bool is_known = inventory.Named(word) != nullptr || word.starts_with("label:");
  if (!is_known && act.acts.verb != UserVerb::kAddHost) return {act};
  std::vector<ActWord> acts;
  for (HostEntry& entry : FindHosts(word, inventory)) {
    act.acts.host = entry.address;
    if (act.acts.verb == UserVerb::kAddHost) act.acts.entry = std::move(entry);
    acts.push_back(act);
  }
  return acts;
}

int Tell(const HostsOptions& options) {
  if (options.hosts.empty()) {
    throw Error(fmt::format("say which host: ddl hosts {} NAME", options.verb), "",
                "ddl hosts lists them");
  }
  const std::string folder = FindStoreFolder(options.common.store);
  const StoreReader reader = StoreReader::Open(folder);
  if (!options.sweep.empty()) (void)ChooseSweep(reader, options.sweep);  // refuses unknown names
  const Inventory inventory = FindInventory(FolderHere());
  bool ok = true;
  Json list = Json::array();
  for (const std::string& word : options.hosts) {
    for (const ActWord& act : WordsFor(options, word, inventory)) {
      const Answer answer = PerformAct(folder, act);
      ok = ok && answer.ok;
      list.push_back({{"host", act.acts.host}, {"ok", answer.ok}, {"text", answer.text}});
      if (!options.common.json) {
        answer.ok ? PrintText(answer.text + "\n") : PrintAside(answer.text + "\n");
      }
    }
  }
  if (options.common.json) PrintJson({{"ok", ok}, {"hosts", std::move(list)}});
  return ok ? 0 : 2;
}

}  // namespace

int RunHostsCommand(const HostsOptions& options) {
  if (options.verb.empty()) return List(options);
  return options.verb == "check" ? CheckThem(options) : Tell(options);
}

}  // namespace ddl
