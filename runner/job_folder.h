// SPDX-License-Identifier: Apache-2.0
// Where things lie below a host folder. The border between agent and supervisor: they share these
// files and the bell, nothing else.
//
//   HOST_FOLDER/                     0700, ours; "host.json" holds machine id and boot id
//     STORE_ID/                      "epoch" holds the highest epoch seen and whose
//       bell                         FIFO: supervisors write one short line for the agent
//       checkpoints/NAME/            DDL_CHECKPOINT_DIR of a trial, shared by its attempts
//       jobs/JOB.RANK/               claimed by an exclusive mkdir of the supervisor
//         start.json                 from the claim to the end; then, with a second line,
//         exit.json,
//                                    and settled.json once the database knows
//         params.json
//         setup                      which line of set-up runs, where hosts.yaml has some
//         log, log.tail              the trial's output; made with the first byte. log.gz and
//                                    log.tail.gz after `ddl gc`
//         spool.N                    segments of the spool; made with the first metric
//         order.N, ack               what the agent says to the supervisor
//         output/                    DDL_OUTPUT_DIR
//       jobs/JOB.RANK.busy           a lease was refused: SlotBusy as JSON; the folder is gone
//       code/HASH/                   a sweep's code: see runner/code_tree.h
//       removing/, removed           of `ddl gc`: see runner/removal.h
//   PIPES_FOLDER/JOB.RANK.metrics, .control    FIFOs: DDL_METRICS, DDL_CONTROL
//   LEASES_FOLDER/cores, gpu-UUID    shared by all users (mode 0666, sticky folder)
#pragma once

#include <string>

#include "configs/ids.h"

namespace ddl {

struct HostPaths {
  std::string host_folder;
  std::string store_id;
  // In memory where the host has such a folder: two FIFOs a rank on disk would cost more than all
  // other files of a short trial together. Empty: they lie in the job's folder.
  std::string pipes_folder{};

  [[nodiscard]] std::string Store() const { return host_folder + "/" + store_id; }
  [[nodiscard]] std::string Bell() const { return Store() + "/bell"; }
  [[nodiscard]] std::string Jobs() const { return Store() + "/jobs"; }
  [[nodiscard]] std::string Job(RankId id) const { return Jobs() + "/" + Name(id); }
  [[nodiscard]] std::string Code() const { return Store() + "/code"; }
  [[nodiscard]] std::string Pipe(RankId id, const std::string& name) const {
    return pipes_folder.empty() ? Job(id) + "/" + name : pipes_folder + "/" + Name(id) + "." + name;
  }
  [[nodiscard]] std::string Checkpoints(const std::string& name) const {
    return Store() + "/checkpoints/" + name;
  }
  // The trial's, whichever attempt.
  static std::string CheckpointName(TrialId trial) {
    return "trial-" + std::to_string(trial.value);
  }

 private:
  static std::string Name(RankId id) {
    return std::to_string(id.job.value) + "." + std::to_string(id.rank);
  }
};

// STORE/jobs/JOB.RANK of a job's folder, wherever its host folder lies.
inline std::string BelowHostFolder(const std::string& job_folder) {
  std::size_t from = job_folder.size();
  for (int names = 3; names > 0 && from != 0 && from != std::string::npos; --names) {
    from = job_folder.rfind('/', from - 1);
  }
  return from == std::string::npos ? job_folder : job_folder.substr(from + 1);
}

}  // namespace ddl
