// SPDX-License-Identifier: Apache-2.0
// What a power failure leaves of a host's files and of checkpoints. A spool and an exit record are
// not synced: what is left of them is what was written, or it is not taken. A checkpoint is.
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "runner/host_folder.h"
#include "runner/records.h"
#include "runner/spool.h"
#include "tests/power/recorder.h"
#include "tests/runner/temporary_folder.h"
#include "trainer/checkpoint_folder.h"

namespace ddl::power {
namespace power_files_test {

// Calls examine(image folder, promised) for `seeds` failures after every request.
template <class Examine>
int FailEverywhere(const std::vector<Request>& requests, const std::string& root, int seeds,
                   Examine examine) {
  const TemporaryFolder image;
  Disk disk(root);
  int states = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    disk.Apply(requests[i]);
    for (int seed = 0; seed < seeds && !::testing::Test::HasFailure(); ++seed, ++states) {
      std::mt19937_64 chance(i * 1000 + static_cast<std::size_t>(seed));
      disk.Crash(chance, image.Path());
      examine(image.Path(), disk.Promised());
      if (::testing::Test::HasFailure()) ADD_FAILURE() << "request " << i << ", seed " << seed;
    }
  }
  fmt::print("{} requests, {} states\n", requests.size(), states);
  return states;
}

MetricReport ReportOf(std::int64_t seq) {
  return {.seq = seq,
          .step = seq,
          .elapsed_ms = seq * 10,
          .values = {{"loss", 1.0 / static_cast<double>(seq)}, {"accuracy", 0.5}}};
}

TEST(PowerFiles, ASpoolIsReadToItsFirstBadRecordAndNothingIsInvented) {
  const TemporaryFolder real;
  const RankId id{{7}, 0};
  TheRecorder().Begin(real.Path(), true);
  SpoolWriter writer(real.Path(), id, 3000);
  for (int seq = 1; seq <= 400; ++seq) {
    writer.Append(ReportOf(seq));
    if (seq % 3 == 0) {
      ASSERT_TRUE(writer.Flush());
    }
  }
  const std::vector<Request> requests = TheRecorder().End();
  std::size_t most = 0;
  std::size_t least = 400;
  FailEverywhere(requests, real.Path(), 12, [&](const std::string& image, std::int64_t) {
    SpoolReader reader(image, id, 0);
    std::size_t read = 0;
    for (auto reports = reader.Read(); !reports.empty(); reports = reader.Read()) {
      for (const MetricReport& report : reports)
        EXPECT_EQ(report, ReportOf(static_cast<std::int64_t>(++read)));
    }
    most = std::max(most, read);
    least = std::min(least, read);
  });
  EXPECT_GT(most, 390U);
  EXPECT_LT(least, 10U);
}

TEST(PowerFiles, AnExitRecordIsTheWholeOneOrNone) {
  const TemporaryFolder real;
  ExitRecord record;
  record.id = {{7}, 0};
  record.token = "token";
  record.last_seq = 12;
  for (int name = 0; name < 200; ++name)  // longer than a few sectors
    record.metric_names.push_back(fmt::format("a metric with a long name {}", name));
  TheRecorder().Begin(real.Path(), true);
  ASSERT_TRUE(WriteFileAtomically(real / "exit.json", ToJsonText(record)));
  const std::vector<Request> requests = TheRecorder().End();
  int whole = 0;
  int damaged = 0;
  FailEverywhere(requests, real.Path(), 400, [&](const std::string& image, std::int64_t) {
    const auto text = ReadFile(image + "/exit.json");
    const auto read = text ? ExitRecordFromJson(*text) : std::nullopt;
    EXPECT_EQ(read.value_or(record), record);
    whole += read ? 1 : 0;
    damaged += text && !read ? 1 : 0;
  });
  EXPECT_GT(whole, 0);
  EXPECT_GT(damaged, 0) << "the record is not synced, so some are torn";
}

constexpr std::size_t kState = 1000;

std::vector<float> StateOf(std::uint64_t iteration) {
  std::vector<float> state(kState);
  for (std::size_t i = 0; i < kState; ++i)
    state[i] = static_cast<float>(iteration) + static_cast<float>(i) / kState;
  return state;
}

std::vector<Request> RecordCheckpoints(const std::string& root, bool syncs) {
  TheRecorder().Begin(root, syncs);
  CheckpointFolder folder(root + "/checkpoints/trial-1", 2);
  for (std::uint64_t iteration = 1; iteration <= 8; ++iteration) {
    CheckpointHeader header{"training", "arithmetic", {}};
    header.clock.iteration = iteration;
    folder.Save(header, StateOf(iteration), iteration % 3 == 1);
    TheRecorder().Promise(static_cast<std::int64_t>(iteration));
  }
  return TheRecorder().End();
}

// Of what is left: the newest whole checkpoint's iteration; 0 for none.
std::int64_t NewestIn(const std::string& image) {
  if (::access((image + "/checkpoints/trial-1").c_str(), F_OK) != 0) return 0;
  std::vector<std::string> notes;
  const CheckpointFolder folder(image + "/checkpoints/trial-1", 2);
  const auto newest = folder.LoadNewest("training", kState, notes);
  if (!newest) return 0;
  EXPECT_EQ(newest->state, StateOf(newest->header.clock.iteration));
  return static_cast<std::int64_t>(newest->header.clock.iteration);
}

TEST(PowerFiles, ACheckpointThatWasSavedIsThere) {
  const TemporaryFolder real;
  const std::vector<Request> requests = RecordCheckpoints(real.Path(), true);
  FailEverywhere(requests, real.Path(), 20, [&](const std::string& image, std::int64_t saved) {
    EXPECT_GE(NewestIn(image), saved);
    if (saved == 0) return;
    const auto best = ReadCheckpoint(image + "/checkpoints/trial-1/best.ckpt");
    EXPECT_TRUE(std::holds_alternative<Checkpoint>(best)) << "the best was saved, and is gone";
  });
}

TEST(PowerFiles, TheTestFindsLostCheckpointsWhereSyncsDoNothing) {
  const TemporaryFolder real;
  const std::vector<Request> requests = RecordCheckpoints(real.Path(), false);
  int lost = 0;
  FailEverywhere(requests, real.Path(), 20, [&](const std::string& image, std::int64_t saved) {
    lost += NewestIn(image) < saved ? 1 : 0;
  });
  EXPECT_GT(lost, 0);
}

TEST(PowerFiles, AHostFolderIsUsableAndItsEpochNeverFalls) {
  const TemporaryFolder real;
  TheRecorder().Begin(real.Path(), true);
  const HostPaths paths{real / "host", "store"};
  for (std::int64_t epoch = 1; epoch <= 4; ++epoch) {
    ASSERT_EQ(ClaimHostFolder(paths, "machine"), "");
    ASSERT_TRUE(
        RaiseEpoch(paths, ReadEpoch(paths), {static_cast<std::uint64_t>(epoch), "box:/store"}));
    TheRecorder().Promise(epoch);
  }
  const std::vector<Request> requests = TheRecorder().End();
  FailEverywhere(requests, real.Path(), 10, [&](const std::string& image, std::int64_t epoch) {
    const HostPaths left{image + "/host", "store"};
    EXPECT_EQ(ClaimHostFolder(left, "machine"), "");
    EXPECT_GE(ReadEpoch(left).epoch, static_cast<std::uint64_t>(epoch));
  });
}

}  // namespace power_files_test
}  // namespace ddl::power
