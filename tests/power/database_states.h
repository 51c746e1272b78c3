// SPDX-License-Identifier: Apache-2.0
// Power failures of the product's own store: lives of a coordinator that commit, checkpoint and
// back up, then what may be left of their disk after any request.
#pragma once

#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "store/location.h"
#include "store/reader.h"
#include "store/sqlite.h"
#include "store/store.h"
#include "tests/power/recorder.h"
#include "tests/store/sample_changes.h"

namespace ddl::power {

struct Lives {
  int lives = 3;
  int commits = 12;      // in each
  int rows = 4;          // of metrics in each commit
  int backup_every = 5;  // commits
  bool syncs = true;
};

inline double ValueOf(std::int64_t seq) {
  return 1.0 / static_cast<double>(seq);
}

// Commit k has the k-th piece of trial 1's metrics and an event "commit k"; sometimes a trial more.
inline std::vector<Change> ChangesOf(std::int64_t k, int rows) {
  std::vector<Change> changes;
  if (k == 1) {
    changes = TrialThatRuns(1);
    changes.insert(changes.begin(), SampleSweep());
  }
  if (k % 7 == 3) {
    for (Change& change : TrialThatRuns(k))
      changes.push_back(std::move(change));
  }
  std::vector<double> values;
  for (int row = 1; row <= rows; ++row)
    values.push_back(ValueOf((k - 1) * rows + row));
  changes.emplace_back(Losses(1, (k - 1) * rows + 1, values));
  changes.emplace_back(EventNoted{.sweep = {1}, .trial = {1}, .text = fmt::format("commit {}", k)});
  return changes;
}

// What the disk was asked for while it ran below `root`/store.
inline std::vector<Request> RecordLives(const std::string& root, const Lives& lives) {
  TheRecorder().Begin(root, lives.syncs);
  std::int64_t k = 0;
  std::int64_t saved = 0;
  for (int life = 0; life < lives.lives; ++life) {
    const auto lock = StoreLock::TryTake(root + "/store");
    Store store = Store::Open(root + "/store");
    for (int commit = 0; commit < lives.commits; ++commit) {
      store.Commit(ChangesOf(++k, lives.rows));
      // Both promises in one number: committed, and told to the hosts as saved.
      TheRecorder().Promise(saved * 1'000'000 + k);
      if (k % lives.backup_every != 0) continue;
      (void)store.Backup();
      saved = k;
      TheRecorder().Promise(saved * 1'000'000 + k);
    }
  }
  return TheRecorder().End();
}

// How many commits a database holds; fails where it holds a part of one, or rows nobody wrote.
inline std::int64_t CommitsIn(const std::string& folder, int rows) {
  const StoreReader reader = StoreReader::Open(folder);
  if (reader.Sweeps().empty()) return 0;
  const auto events = reader.Events({1}, 1'000'000);
  const auto curve = reader.Curve({1}, "loss");
  const auto commits = static_cast<std::int64_t>(events.size());
  EXPECT_EQ(std::ssize(curve), commits * rows) << "a commit is there in part";
  for (std::int64_t seq = 1; seq <= std::ssize(curve); ++seq) {
    if (curve[static_cast<std::size_t>(seq - 1)].value != ValueOf(seq)) {
      ADD_FAILURE() << "row " << seq << " is not what was written";
      break;
    }
  }
  return commits;
}

struct Tally {
  std::int64_t states = 0;
  std::int64_t lost = 0;        // committed rows were not there
  std::int64_t saved_lost = 0;  // the backup lacked what hosts were told is saved
  std::int64_t damaged = 0;     // the database does not check
};

// Opens what is left as the product does after the power is back.
inline void Examine(const std::string& folder, std::int64_t promise, int rows, Tally& tally) {
  const std::int64_t committed = promise % 1'000'000;
  const std::int64_t saved = promise / 1'000'000;
  ++tally.states;
  try {
    (void)StoreLock::TryTake(folder);
    (void)Store::Open(folder);
    const Connection check(folder + "/ddl.db", OpenAs::kReader);
    Statement integrity(check, "PRAGMA integrity_check");
    if (!integrity.Step() || integrity.Text(0) != "ok") {
      ++tally.damaged;
      return;
    }
    if (CommitsIn(folder, rows) < committed) ++tally.lost;
  } catch (const Error&) {
    ++tally.damaged;
  }
  if (saved == 0) return;
  try {
    const Connection check(folder + "/backup/ddl.db", OpenAs::kReader);
    Statement integrity(check, "PRAGMA integrity_check");
    const bool whole = integrity.Step() && integrity.Text(0) == "ok";
    const std::int64_t mark = check.Number("SELECT max(committed) FROM spool WHERE job = 1");
    if (!whole || mark < saved * rows) ++tally.saved_lost;
  } catch (const Error&) {
    ++tally.saved_lost;
  }
}

// `seeds` failures after every `stride`-th request.
inline Tally FailEverywhere(const std::vector<Request>& requests, const std::string& root,
                            const std::string& image, const Lives& lives, int seeds,
                            std::size_t stride = 1) {
  Tally tally;
  Disk disk(root);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    disk.Apply(requests[i]);
    if (i % stride != 0) continue;
    for (int seed = 0; seed < seeds; ++seed) {
      std::mt19937_64 chance(i * 1000 + static_cast<std::size_t>(seed));
      const Tally before = tally;
      disk.Crash(chance, image);
      Examine(image + "/store", disk.Promised(), lives.rows, tally);
      const bool bad = tally.lost + tally.saved_lost + tally.damaged >
                       before.lost + before.saved_lost + before.damaged;
      if (bad && lives.syncs && ::testing::Test::HasFailure() == false) {
        ADD_FAILURE() << "request " << i << " of " << requests.size() << ", seed " << seed
                      << ": lost " << tally.lost << ", saved but lost " << tally.saved_lost
                      << ", damaged " << tally.damaged;
      }
    }
  }
  return tally;
}

}  // namespace ddl::power
