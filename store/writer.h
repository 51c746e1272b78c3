// SPDX-License-Identifier: Apache-2.0
// Writes changes as rows, inside a transaction that the caller began. Every statement is prepared
// once. A change that contradicts the rows is a fault of ddl and ends the process.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

#include "store/changes.h"
#include "store/sqlite.h"
#include "store/summaries.h"

namespace ddl {

class ChangeWriter {
 public:
  explicit ChangeWriter(const Connection& connection);

  void Write(const Change& change);
  // What was gathered over the changes of a transaction; call before it is committed.
  void Finish();
  // The transaction was rolled back: what it taught is not so.
  void Forget();

 private:
  void On(const SweepAdded& change);
  void On(const SweepChanged& change);
  void On(const TrialAdded& change);
  void On(const AttemptAdded& change);
  void On(const AttemptStarted& change);
  void On(const AttemptEnded& change);
  void On(const TrialMoved& change);
  void On(const TrialWanted& change);
  void On(const MetricsAdded& change);
  void On(const EpochRaised& change);
  void On(const EventNoted& change);
  void On(const SearchAsked& change);
  void On(const SearchProposed& change);
  void On(const SearchTold& change);
  void Move(TrialId trial, TrialState to);
  std::int64_t NameId(const std::string& name);
  std::int64_t HighWaterMark(RankId rank);

  Statement add_sweep_;
  Statement change_sweep_;
  Statement add_trial_;
  Statement add_attempt_;
  Statement note_attempt_;
  Statement start_attempt_;
  Statement note_start_;
  Statement end_attempt_;
  Statement note_end_;
  Statement move_;
  Statement describe_;
  Statement want_;
  Statement add_metric_;
  Statement raise_epoch_;
  Statement add_event_;
  Statement add_step_;
  Statement answer_step_;
  Statement find_name_;
  Statement add_name_;
  Statement read_mark_;
  Statement write_mark_;
  std::unordered_map<std::string, std::int64_t> names_;
  std::map<RankId, std::int64_t> marks_;
  SummaryWriter summaries_;
};

}  // namespace ddl
