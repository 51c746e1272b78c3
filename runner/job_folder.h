// SPDX-License-Identifier: Apache-2.0
// Where things lie below a host folder. The border between agent and supervisor: they share these
// files and the bell, nothing else.
//
//   HOST_FOLDER/                     0700, ours; "host.json" holds machine id and boot id
//     STORE_ID/                      "epoch" holds the highest epoch seen and who holds it
//       bell                         FIFO: supervisors write one short line (≤ PIPE_BUF) for the
//       agent checkpoints/NAME/            DDL_CHECKPOINT_DIR of a trial, shared by its attempts
//       jobs/JOB.RANK/               claimed by an exclusive mkdir of the supervisor
//         start.json exit.json params.json
//         log, log.tail              the trial's output; made with the first byte
//         spool.N                    segments of the spool; made with the first metric
//         metrics control            FIFOs: DDL_METRICS, DDL_CONTROL
//         orders, order.N            FIFO for orders, and each order as a file so that none is lost
//         output/                    DDL_OUTPUT_DIR
//       jobs/JOB.RANK.busy           a lease was refused: SlotBusy as JSON; the folder is gone
//   LEASES_FOLDER/cores, gpu-UUID    shared by all users (mode 0666, sticky folder)
#pragma once

#include <string>

#include "configs/ids.h"

namespace ddl {

struct HostPaths {
  std::string host_folder;
  std::string store_id;

  [[nodiscard]] std::string Store() const { return host_folder + "/" + store_id; }
  [[nodiscard]] std::string Bell() const { return Store() + "/bell"; }
  [[nodiscard]] std::string Jobs() const { return Store() + "/jobs"; }
  [[nodiscard]] std::string Job(RankId id) const {
    return Jobs() + "/" + std::to_string(id.job.value) + "." + std::to_string(id.rank);
  }
  [[nodiscard]] std::string Checkpoints(const std::string& name) const {
    return Store() + "/checkpoints/" + name;
  }
};

}  // namespace ddl
