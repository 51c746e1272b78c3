// SPDX-License-Identifier: Apache-2.0
// Fetches checkpoints from the hosts where trials left them, on a thread a host, so that no
// decision waits and a slow host keeps no other waiting. On the store's disk:
//
//   STORE/checkpoints/TRIAL.ATTEMPT.coming, .coming.of, .coming.at    as far as it has come
//   STORE/checkpoints/TRIAL.ATTEMPT           all of it, until it is a snapshot
//   STORE/checkpoints/TRIAL.ATTEMPT.code      its name: STORE/code/NAME/tree has the files
//   STORE/checkpoints/lock                    held by whoever fetches, or removes
//
// Each step is synced before the next one, so that after a kill at any moment the same order goes
// on where it was, and an order that was done before is answered from the disk.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "runner/host_session.h"
#include "runner/mailbox.h"
#include "scheduler/events.h"

namespace ddl {

class CheckpointCourier {
 public:
  // `deliver` is called on a courier's thread, and must only pass on.
  CheckpointCourier(std::string store_folder, std::string agent_path,
                    std::function<void(CheckpointFetched)> deliver);
  CheckpointCourier(const CheckpointCourier&) = delete;
  CheckpointCourier& operator=(const CheckpointCourier&) = delete;
  CheckpointCourier(CheckpointCourier&&) = delete;
  CheckpointCourier& operator=(CheckpointCourier&&) = delete;
  // What is on its way is gone on with by the next one.
  ~CheckpointCourier();

  void Fetch(const FetchCheckpoint& order);

 private:
  // Of one host: a connection for as long as it holds.
  class Errands;

  std::string store_folder_;
  std::string agent_path_;
  std::function<void(CheckpointFetched)> deliver_;
  std::map<std::string, std::unique_ptr<Errands>> errands_;  // by address
};

}  // namespace ddl
