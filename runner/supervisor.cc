// SPDX-License-Identifier: Apache-2.0
#include "runner/supervisor.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/host_folder.h"
#include "runner/leases.h"
#include "runner/process_tree.h"
#include "runner/rank_record.h"
#include "runner/records.h"
#include "runner/supervision.h"

namespace ddl {

namespace {

// What the fork inherited belongs to the agent.
void BecomeOwn() {
  ::close_range(3, ~0U, 0);
  ::setsid();
  std::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_NAME, "ddl-supervise");
  BecomeSubreaper();
}

[[noreturn]] void Refuse(Bell& bell, const LaunchRecord& launch, const HostPaths& paths,
                         const std::string& reason) {
  RemoveTree(paths.Job(launch.id));
  RemovePipes(paths, launch.id);
  bell.Ring({News::kRefused, launch.id, launch.token + " " + reason});
  ::_exit(1);
}

[[noreturn]] void GiveUpSlot(Bell& bell, const LaunchRecord& launch, const HostPaths& paths,
                             LeaseRefusal refusal) {
  const SlotBusy busy{launch.id, launch.token, std::move(refusal.holder), std::move(refusal.cores),
                      std::move(refusal.gpus)};
  (void)WriteFileAtomically(paths.Job(launch.id) + ".busy", ToJsonText(busy));
  ::rmdir(paths.Job(launch.id).c_str());
  bell.Ring({News::kBusy, launch.id, {}});
  ::_exit(0);
}

std::optional<Leases> TakeAll(Bell& bell, const LaunchRecord& launch, const HostPaths& paths,
                              const SupervisorOptions& options) {
  auto taken = TakeLeases(options.leases_folder, launch.slots,
                          {.store_id = paths.store_id,
                           .id = launch.id,
                           .sweep = launch.sweep,
                           .user = static_cast<std::int64_t>(::geteuid()),
                           .pid = ::getpid()});
  if (auto* refusal = std::get_if<LeaseRefusal>(&taken)) {
    GiveUpSlot(bell, launch, paths, std::move(*refusal));
  }
  if (auto* problem = std::get_if<LeaseProblem>(&taken)) {
    Refuse(bell, launch, paths, problem->text);
  }
  return std::get<Leases>(std::move(taken));
}

// The exit record, then the leases, then the bell: who hears it may start the next rank at once.
[[noreturn]] void Leave(Bell& bell, const HostPaths& paths, RankRecordFile& file,
                        const ExitRecord& record, std::optional<Leases>& leases) {
  const std::string folder = paths.Job(record.id);
  while (!file.WriteExit(record)) {
    if (::access(folder.c_str(), F_OK) != 0) break;  // removed by somebody: nobody will ask
    ::usleep(100'000);                               // a full disk: how it ended must not be lost
  }
  RemovePipes(paths, record.id);
  leases.reset();
  bell.Ring({News::kExited, record.id, {}});
  ::_exit(0);
}

}  // namespace

void RunSupervisor(const LaunchRecord& launch, const HostPaths& paths,
                   const SupervisorOptions& options) {
  BecomeOwn();
  Bell bell(paths.Bell());
  if (::mkdir(paths.Job(launch.id).c_str(), 0700) != 0) {
    if (errno == EEXIST) ::_exit(0);  // started already
    bell.Ring({News::kRefused, launch.id,
               fmt::format("{} cannot make {}: {}", launch.token, paths.Job(launch.id),
                           std::strerror(errno))});
    ::_exit(1);
  }
  std::optional<Leases> leases = TakeAll(bell, launch, paths, options);
  Supervision supervision(launch, paths, options, bell);
  RankRecordFile file(launch, paths.Job(launch.id));
  // The record first: whoever finds pipes knows whose they are.
  const bool is_written = file.WriteStart(0);
  const std::string problem = PrepareJobFolder(launch, paths, supervision.Pipes());
  if (!problem.empty() || !is_written) Refuse(bell, launch, paths, problem);
  const StartedTrial trial = StartTrial(launch, paths, supervision.Pipes());
  if (trial.pid < 0) Leave(bell, paths, file, supervision.CouldNotStart(trial.problem), leases);
  supervision.NoteStarted(trial.pid);
  (void)file.WriteStart(trial.pid);
  bell.Ring({News::kStarted, launch.id, {}});
  Leave(bell, paths, file, supervision.Run(), leases);
}

}  // namespace ddl
