// SPDX-License-Identifier: Apache-2.0
// A host in memory: leases, ranks that outlive links, an agent whose queue does not. It behaves as
// runner/messages.h says and fails the test on a message that makes no sense.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runner/messages.h"
#include "scheduler/placement_device.h"

namespace ddl::test {

using Time = std::chrono::nanoseconds;

// What a trial does: reports at times after its start, and how it ends.
struct Script {
  struct Report {
    Time at{0};
    std::vector<std::pair<std::string, double>> values;
    std::int64_t step = 0;  // 0: its number
  };
  Time wall = std::chrono::milliseconds(1);
  EndCause cause = EndCause::kExited;
  int exit_code = 0;
  int signal = 0;
  std::string detail;
  std::string failure;  // a pattern that its log has
  std::vector<Report> reports;
  Time after_term = std::chrono::milliseconds(5);
  int exit_code_on_term = -1;  // ≥ 0: it leaves by itself with this code
};

struct FakeRank {
  LaunchRecord record;
  Script script;
  Time started{0};
  std::optional<Time> term_at;
  std::optional<ExitRecord> exit;
  std::int64_t spool = 0;  // reports written
  std::int64_t told = 0;   // reports told on this link
  std::int64_t acked = 0;
  bool on_link = false;  // launched or adopted on this link: the agent tells of it
  bool told_exit = false;
};

class FakeHost {
 public:
  using Tell = std::function<void(FromHost)>;
  using Plan = std::function<Script(const LaunchRecord&)>;

  FakeHost(int cores, Plan plan) : plan_(std::move(plan)) {
    for (int core = 0; core < cores; ++core)
      facts.cores.push_back(core);
    facts.hostname = "testing";
    facts.folder = "/testing/jobs";
    facts.memory_mib = 8192;
  }

  [[nodiscard]] Welcome Connect() {
    is_linked = true;
    Welcome welcome{facts, {}};
    for (auto& [id, rank] : ranks) {
      rank.on_link = false;
      const FoundState state = rank.exit ? FoundState::kExited : FoundState::kAlive;
      welcome.found.push_back({id, rank.record.token, state});
    }
    for (const auto& [id, token] : lost_)
      welcome.found.push_back({id, token, FoundState::kLost});
    return welcome;
  }

  // The agent dies with its link, and its queue with it.
  void Disconnect() {
    is_linked = false;
    queue_.clear();
    for (auto& [id, rank] : ranks)
      rank.on_link = false;
  }

  void Receive(const ToHost& message, Time now, const Tell& tell) {
    std::visit([&](const auto& what) { On(what, now, tell); }, message);
  }

  // What happens up to `now`: reports, ends, starts from the queue.
  void Advance(Time now, const Tell& tell) {
    for (auto& [id, rank] : ranks)
      AdvanceRank(rank, now, tell);
    StartQueued(now, tell);
  }

  // When something happens next.
  [[nodiscard]] std::optional<Time> Next() const {
    std::optional<Time> next;
    const auto consider = [&next](Time at) { next = next ? std::min(*next, at) : at; };
    for (const auto& [id, rank] : ranks) {
      if (rank.exit) continue;
      consider(EndOf(rank));
      const auto written = static_cast<std::size_t>(rank.spool);
      if (written < rank.script.reports.size()) {
        consider(std::min(EndOf(rank), rank.started + rank.script.reports[written].at));
      }
    }
    return next;
  }

  // The supervisor dies with its trial and leaves no exit record.
  void LoseSupervisor(RankId id) {
    lost_[id] = ranks.at(id).record.token;
    ranks.erase(id);
  }

  [[nodiscard]] int RunningCount() const {
    return static_cast<int>(
        std::ranges::count_if(ranks, [](const auto& entry) { return !entry.second.exit; }));
  }
  [[nodiscard]] std::size_t QueuedCount() const { return queue_.size(); }

  HostFacts facts;
  std::map<RankId, FakeRank> ranks;
  // Cores held by somebody else: what a launch on them is told.
  std::map<int, std::string> foreign_cores;
  bool is_linked = false;
  std::int64_t starts = 0;
  int most_running = 0;

 private:
  void On(const Hello&, Time, const Tell&) { ADD_FAILURE() << "Hello is the link's affair"; }
  void On(const GetFile&, Time, const Tell&) { ADD_FAILURE() << "GetFile"; }
  void On(const PutFile&, Time, const Tell&) { ADD_FAILURE() << "PutFile"; }
  void On(const Heartbeat&, Time, const Tell&) { ADD_FAILURE() << "Heartbeat"; }
  void On(const OfferCode&, Time, const Tell&) { ADD_FAILURE() << "OfferCode"; }
  void On(const CodeBytes&, Time, const Tell&) { ADD_FAILURE() << "CodeBytes"; }

  void On(const Launch& launch, Time now, const Tell& tell) {
    const LaunchRecord& record = launch.record;
    ExpectHostHas(record.slots);
    EXPECT_FALSE(ranks.contains(record.id)) << "launched twice";
    queue_.push_back(record);
    StartQueued(now, tell);
  }

  void On(const Adopt& adopt, Time now, const Tell& tell) {
    if (const auto lost = lost_.find(adopt.id); lost != lost_.end()) {
      ExitRecord record;
      record.id = adopt.id;
      record.token = lost->second;
      record.cause = EndCause::kSupervisorLost;
      tell(Exited{record});
      return;
    }
    const auto found = ranks.find(adopt.id);
    ASSERT_NE(found, ranks.end()) << "adopted a rank that is not there";
    FakeRank& rank = found->second;
    EXPECT_EQ(rank.record.token, adopt.token);
    EXPECT_GE(adopt.committed_seq, rank.acked);
    rank.on_link = true;
    rank.told = adopt.committed_seq;
    tell(
        Started{StartOf(rank),
                std::chrono::duration_cast<std::chrono::milliseconds>(now - rank.started).count()});
    TellNews(rank, tell);
    if (rank.exit) tell(Exited{*rank.exit});
  }

  bool TakeBack(RankId id, const Tell& tell) {
    const auto queued = std::ranges::find(queue_, id, &LaunchRecord::id);
    if (queued == queue_.end()) return false;
    ExitRecord record;
    record.id = id;
    record.token = queued->token;
    record.cause = EndCause::kStopped;
    queue_.erase(queued);
    tell(Exited{record});
    return true;
  }

  void On(const Recall& recall, Time, const Tell& tell) { (void)TakeBack(recall.id, tell); }

  void On(const Order& order, Time now, const Tell& tell) {
    if (TakeBack(order.id, tell)) return;
    const auto found = ranks.find(order.id);
    if (found == ranks.end() || found->second.exit) return;  // ended while the order was on its way
    FakeRank& rank = found->second;
    if (!rank.term_at) rank.term_at = now;
    if (order.kind == OrderKind::kKill) rank.script.after_term = Time{0};
    AdvanceRank(rank, now, tell);
  }

  void On(const Ack& ack, Time, const Tell&) {
    const auto found = ranks.find(ack.id);
    if (found == ranks.end()) {
      EXPECT_TRUE(settled_.contains(ack.id)) << "ack for an unknown rank";
      return;
    }
    EXPECT_LE(ack.seq, found->second.spool) << "acknowledged what was never written";
    found->second.acked = std::max(found->second.acked, ack.seq);
  }

  void On(const Settled& settled, Time, const Tell&) {
    lost_.erase(settled.id);
    const auto found = ranks.find(settled.id);
    if (found == ranks.end()) return;
    settled_.insert_or_assign(settled.id, found->second.spool);
    ranks.erase(found);
  }

  void ExpectHostHas(const Slots& slots) const {
    for (const CoreShare& core : slots.cores) {
      EXPECT_TRUE(std::ranges::count(facts.cores, core.core) == 1) << "no core " << core.core;
      EXPECT_TRUE(core.first >= 0 && core.length > 0 && core.first + core.length <= kWholeDevice);
    }
    for (const GpuShare& gpu : slots.gpus) {
      EXPECT_TRUE(std::ranges::any_of(
          facts.gpus, [&gpu](const GpuFacts& own) { return own.uuid == gpu.uuid; }));
    }
  }

  static bool Overlap(const Slots& a, const Slots& b) {
    const auto meet = [](int first, int length, int other, int other_length) {
      return first < other + other_length && other < first + length;
    };
    for (const CoreShare& x : a.cores) {
      for (const CoreShare& y : b.cores) {
        if (x.core == y.core && meet(x.first, x.length, y.first, y.length)) return true;
      }
    }
    for (const GpuShare& x : a.gpus) {
      for (const GpuShare& y : b.gpus) {
        if (x.uuid == y.uuid && meet(x.first, x.length, y.first, y.length)) return true;
      }
    }
    return false;
  }

  [[nodiscard]] bool IsHeldByOurs(const Slots& slots) const {
    return std::ranges::any_of(ranks, [&slots](const auto& entry) {
      return !entry.second.exit && Overlap(entry.second.record.slots, slots);
    });
  }

  void StartQueued(Time now, const Tell& tell) {
    for (auto next = queue_.begin(); next != queue_.end();) {
      if (IsHeldByOurs(next->slots)) {
        ++next;
        continue;
      }
      const LaunchRecord record = *next;
      next = queue_.erase(next);
      if (!RefuseForeign(record, tell)) Start(record, now, tell);
    }
  }

  bool RefuseForeign(const LaunchRecord& record, const Tell& tell) const {
    SlotBusy busy{record.id, record.token, "", {}, {}};
    for (const CoreShare& core : record.slots.cores) {
      const auto holder = foreign_cores.find(core.core);
      if (holder == foreign_cores.end()) continue;
      busy.holder = "core " + std::to_string(core.core) + ": " + holder->second;
      busy.cores.push_back(core);
    }
    if (busy.cores.empty()) return false;
    tell(busy);
    return true;
  }

  void Start(const LaunchRecord& record, Time now, const Tell& tell) {
    ++starts;
    FakeRank& rank = ranks[record.id];
    rank.record = record;
    rank.script = plan_(record);
    rank.started = now;
    rank.on_link = true;
    most_running = std::max(most_running, RunningCount());
    if (rank.script.cause != EndCause::kCouldNotStart) tell(Started{StartOf(rank)});
    AdvanceRank(rank, now, tell);
  }

  static StartRecord StartOf(const FakeRank& rank) {
    StartRecord start;
    start.id = rank.record.id;
    start.token = rank.record.token;
    start.pid = 1000 + rank.record.id.job.value;
    start.started_unix_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(rank.started).count();
    return start;
  }

  static Time EndOf(const FakeRank& rank) {
    const Time end = rank.started + rank.script.wall;
    return rank.term_at ? std::min(end, *rank.term_at + rank.script.after_term) : end;
  }

  void AdvanceRank(FakeRank& rank, Time now, const Tell& tell) {
    if (rank.exit) return;
    const Time end = EndOf(rank);
    for (const Script::Report& report : rank.script.reports) {
      const Time at = rank.started + report.at;
      if (at <= now && at <= end && &report - rank.script.reports.data() >= rank.spool)
        ++rank.spool;
    }
    if (rank.on_link && is_linked) TellNews(rank, tell);
    if (end > now) return;
    rank.exit = ExitOf(rank, end);
    if (rank.on_link && is_linked) tell(Exited{*rank.exit});
  }

  static ExitRecord ExitOf(const FakeRank& rank, Time end) {
    ExitRecord record;
    record.id = rank.record.id;
    record.token = rank.record.token;
    record.cause = rank.script.cause;
    record.exit_code = rank.script.exit_code;
    record.signal = rank.script.signal;
    record.detail = rank.script.detail;
    record.failure = record.failure_line = rank.script.failure;
    if (rank.term_at && end < rank.started + rank.script.wall) {
      const bool leaves = rank.script.exit_code_on_term >= 0;
      record.cause = leaves ? EndCause::kExited : EndCause::kStopped;
      record.exit_code = leaves ? rank.script.exit_code_on_term : 0;
    }
    const auto wall = end - rank.started;
    record.wall_ms = std::chrono::duration_cast<std::chrono::milliseconds>(wall).count();
    record.last_seq = rank.spool;
    for (std::int64_t seq = 0; seq < rank.spool; ++seq) {
      for (const auto& [name, value] : rank.script.reports[static_cast<std::size_t>(seq)].values) {
        if (std::ranges::count(record.metric_names, name) == 0) record.metric_names.push_back(name);
      }
    }
    return record;
  }

  void TellNews(FakeRank& rank, const Tell& tell) const {
    if (rank.told >= rank.spool) return;
    Metrics metrics{rank.record.id, {}};
    for (std::int64_t seq = rank.told + 1; seq <= rank.spool; ++seq) {
      const Script::Report& report = rank.script.reports[static_cast<std::size_t>(seq - 1)];
      const std::int64_t step = report.step > 0 ? report.step : seq;
      metrics.reports.push_back({seq, step, report.at.count() / 1'000'000, report.values});
    }
    rank.told = rank.spool;
    tell(metrics);
  }

  Plan plan_;
  std::vector<LaunchRecord> queue_;         // the agent's memory
  std::map<RankId, std::string> lost_;      // folders without supervisor and exit record
  std::map<RankId, std::int64_t> settled_;  // with their last seq
};

}  // namespace ddl::test
