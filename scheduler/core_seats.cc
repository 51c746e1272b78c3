// SPDX-License-Identifier: Apache-2.0
// Seats: slots that ranks hold, one after the other.
#include <algorithm>
#include <cassert>

#include "scheduler/core_state.h"

namespace ddl {

SeatId Core::State::OpenSeat(SweepRun& sweep, HostState& host, const Slots& slots) {
  host.slots.Take(slots);
  ++sweep.seats;
  host.seats.emplace(++last_seat, Seat{sweep.id, slots, {}});
  return last_seat;
}

void Core::State::Sit(LiveJob& job, SeatId seat) {
  job.seat = seat;
  Seat& taken = hosts.at(job.host).seats.at(seat);
  taken.jobs.push_back(job.id);
  for (const GpuShare& gpu : taken.slots.gpus) {
    job.gpus.push_back(gpu.uuid);
  }
}

void Core::State::LeaveSeat(LiveJob& job) {
  if (job.seat == 0) return;
  HostState& host = hosts.at(job.host);
  Seat& seat = host.seats.at(job.seat);
  std::erase(seat.jobs, job.id);
  if (seat.jobs.empty()) {
    host.slots.Free(seat.slots);
    --sweeps.at(seat.sweep).seats;
    host.seats.erase(job.seat);
  }
  job.seat = 0;
  needs_placement = true;
}

LiveJob& Core::State::AddJob(SweepRun& sweep, LiveJob job, Now now) {
  TrialRecord& trial = sweep.trials.Touch(job.number);
  assert(!trial.job);  // at most one live attempt of a trial
  trial.job = job.id;
  ++sweep.live;
  if (!sweep.busy_since) sweep.busy_since = now.monotonic;
  const auto [place, is_new] = jobs.emplace(job.id, std::move(job));
  assert(is_new);
  return place->second;
}

}  // namespace ddl
