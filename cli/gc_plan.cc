// SPDX-License-Identifier: Apache-2.0
#include "cli/gc_plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace ddl {

namespace {

constexpr std::int64_t kDayMs = 24LL * 60 * 60 * 1000;

std::set<TrialId> FrontOf(const GcSweep& sweep) {
  std::set<TrialId> front;
  for (const GcTrial& trial : sweep.trials) {
    if (sweep.front->contains(trial.number)) front.insert(trial.id);
  }
  return front;
}

// The best that ended well; of a sweep without a metric, those that ended last.
std::set<TrialId> BestOf(const GcSweep& sweep, std::int64_t count) {
  if (sweep.front) return FrontOf(sweep);
  std::vector<const GcTrial*> ranked;
  for (const GcTrial& trial : sweep.trials) {
    const bool well = trial.state == TrialState::kFinished || trial.state == TrialState::kPruned;
    if (well && (sweep.metric.empty() || trial.objective)) ranked.push_back(&trial);
  }
  std::ranges::sort(ranked, [&](const GcTrial* a, const GcTrial* b) {
    if (sweep.metric.empty()) {
      return std::pair(a->ended_ms, a->number) > std::pair(b->ended_ms, b->number);
    }
    if (*a->objective == *b->objective) return a->number < b->number;
    return (*a->objective > *b->objective) == sweep.maximize;
  });
  std::set<TrialId> best;
  for (const GcTrial* trial : ranked) {
    if (std::ssize(best) == count) break;
    best.insert(trial->id);
  }
  return best;
}

class Planner {
 public:
  Planner(const GcRules& rules, const GcSweep& sweep, GcPlan& plan)
      : rules_(rules),
        keep_best_(rules.keep_best.value_or(sweep.keep_best)),
        has_front_(sweep.front.has_value()),
        plan_(plan) {}

  void Plan(const GcTrial& trial, bool is_best) {
    const std::string whole_trial = WhyItStays(trial);
    for (const GcJob& job : trial.jobs) {
      PlanJob(trial, job, is_best, whole_trial);
    }
    PlanCheckpoints(trial, is_best, whole_trial);
  }

 private:
  // For which nothing at all is done; "" when something may be.
  static std::string WhyItStays(const GcTrial& trial) {
    if (!IsEnded(trial.state) || trial.has_open_attempt) {
      return fmt::format("{} or may go on", ToString(trial.state));
    }
    if (trial.awaits_results) return "its results have not come back: ddl fetch";
    const bool settled = std::ranges::all_of(trial.jobs, &GcJob::is_settled);
    return settled ? std::string() : "not settled: its end is not confirmed";
  }

  void PlanJob(const GcTrial& trial, const GcJob& job, bool is_best,
               const std::string& whole_trial) {
    std::string why = whole_trial;
    if (why.empty() && is_best) why = BestText();
    if (why.empty() && rules_.now_ms - job.ended_ms < rules_.keep_days * kDayMs) {
      why = fmt::format("ended less than {} days ago", rules_.keep_days);
    }
    if (why.empty() && !job.is_saved) why = "its metrics are in no backup yet";
    if (why.empty()) {
      Add(GcAction::kRemoveJob, trial, job.rank,
          fmt::format("ended {} days ago or more", rules_.keep_days), job.folder);
      return;
    }
    const bool compress = whole_trial.empty() && job.plain_logs.files > 0;
    if (compress) {
      Add(GcAction::kCompressLogs, trial, job.rank, "the trial has ended", job.plain_logs);
    }
    Keep("job folders", trial, why, job.folder);
  }

  void PlanCheckpoints(const GcTrial& trial, bool is_best, const std::string& whole_trial) {
    if (!trial.checkpoints) return;
    std::string why = whole_trial;
    if (why.empty() && trial.may_be_gone_on_from) why = "other trials may go on from them";
    if (why.empty() && is_best) why = BestText();
    if (why.empty() && !std::ranges::all_of(trial.jobs, &GcJob::is_saved)) {
      why = "its metrics are in no backup yet";
    }
    if (!why.empty()) return Keep("checkpoints", trial, why, *trial.checkpoints);
    Add(GcAction::kRemoveCheckpoints, trial, std::nullopt, "ended, not " + BestText(),
        *trial.checkpoints);
  }

  [[nodiscard]] std::string BestText() const {
    return has_front_ ? "on the front" : fmt::format("of the best {}", keep_best_);
  }

  void Add(GcAction action, const GcTrial& trial, std::optional<RankId> rank, std::string why,
           const FolderSize& size) {
    plan_.steps.push_back({action, trial.sweep, trial.sweep_name, trial.number, trial.id, rank,
                           std::move(why), size});
  }

  void Keep(const std::string& what, const GcTrial& trial, const std::string& why,
            const FolderSize& size) {
    for (GcKept& kept : plan_.kept) {
      if (kept.what != what || kept.sweep_name != trial.sweep_name || kept.why != why) continue;
      ++kept.folders;
      kept.size += size;
      return;
    }
    plan_.kept.push_back({what, trial.sweep_name, why, 1, size});
  }

  const GcRules& rules_;
  std::int64_t keep_best_;
  bool has_front_;
  GcPlan& plan_;
};

}  // namespace

GcPlan PlanGc(const std::vector<GcSweep>& sweeps, const GcRules& rules) {
  GcPlan plan;
  for (const GcSweep& sweep : sweeps) {
    Planner planner(rules, sweep, plan);
    const std::set<TrialId> best = BestOf(sweep, rules.keep_best.value_or(sweep.keep_best));
    for (const GcTrial& trial : sweep.trials) {
      planner.Plan(trial, best.contains(trial.id));
    }
  }
  return plan;
}

}  // namespace ddl
