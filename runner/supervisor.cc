// SPDX-License-Identifier: Apache-2.0
#include "runner/supervisor.h"

#include <csignal>

#include <sys/prctl.h>
#include <unistd.h>

#include "runner/file.h"
#include "runner/process_tree.h"
#include "runner/supervision.h"

namespace ddl {

namespace {

// What the fork inherited belongs to the agent, or to the ddl that started that: its terminal or
// pipe would not end before the last trial.
void BecomeOwn() {
  ::close_range(3, ~0U, 0);
  (void)LeaveStandardStreams();
  ::setsid();
  std::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_NAME, "ddl-supervise");
  BecomeSubreaper();
}

}  // namespace

void RunSupervisor(const LaunchRecord& launch, const HostPaths& paths,
                   const SupervisorOptions& options) {
  BecomeOwn();
  Supervision supervision(launch, paths, options);
  supervision.Run();
  ::_exit(0);  // the kernel closes what is open
}

}  // namespace ddl
