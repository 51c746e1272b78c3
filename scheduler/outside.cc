// SPDX-License-Identifier: Apache-2.0
#include "scheduler/outside.h"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"
#include "configs/json.h"
#include "configs/spec_difference.h"
#include "scheduler/search/search.h"
#include "scheduler/slots_json.h"
#include "scheduler/tokens.h"

namespace ddl {

namespace {

SweepSpec StoredSpecOf(const SweepHistory& history) {
  return SpecFromJson(ParseJson(history.spec_json, "spec in the store"));
}

std::string OutsideToken(JobId job) {
  std::random_device device;
  const auto bits = [&device] { return (std::uint64_t{device()} << 32U) | device(); };
  return ddl::TokenOf(bits(), bits(), job);
}

// One ask: what the store knows, and what it is to be told.
class Asking {
 public:
  Asking(const Store& store, const SweepRequest& request, std::int64_t unix_ms)
      : spec_(request.spec), unix_ms_(unix_ms), given_(store.Given()) {
    if (spec_.pbt) {
      throw Error("pbt needs the checkpoints of its trials, so ddl has to run them", "",
                  "start it by ddl sweep");
    }
    spec_.is_outside = true;
    if (!request.begin_new) known_ = store.Load(spec_.name);
    if (known_) {
      GoOn(*known_);
    } else {
      Begin(request);
    }
  }

  AskedOutside Take(std::int64_t count) {
    AskedOutside asked;
    if (known_ && known_->outcome == SweepOutcome::kTargetReached) {
      asked.end = known_->reason;
      return asked;
    }
    const auto search = MakeSearch(spec_, Steps());
    std::int64_t number = known_ && !known_->trials.empty() ? known_->trials.back().number : 0;
    const std::int64_t planned = PlannedTrials(spec_);
    for (; std::ssize(asked.trials) < count; ++number) {
      if (number >= planned) {
        asked.end = fmt::format("all {} trials have been asked for", planned);
        break;
      }
      std::vector<Configuration> proposed = search->Propose(number / spec_.seeds, 1);
      if (proposed.empty()) {
        asked.end = "the space is exhausted";
        break;
      }
      asked.trials.push_back({number + 1, number / spec_.seeds,
                              static_cast<int>(number % spec_.seeds), std::move(proposed.front())});
      Open(asked.trials.back());
    }
    asked.note = NoteOf(*search);
    SettleSweep(asked);
    return asked;
  }

  [[nodiscard]] const std::vector<Change>& Changes() const { return changes_; }

 private:
  [[nodiscard]] std::vector<SearchStep> Steps() const {
    return known_ ? known_->search : std::vector<SearchStep>{};
  }

  void Begin(const SweepRequest& request) {
    id_ = SweepId{++given_.sweeps};
    const std::int64_t planned = PlannedTrials(spec_);
    changes_.emplace_back(
        SweepAdded{.id = id_,
                   .name = spec_.name,
                   .spec_json = DumpJson(ResolvedSpec(spec_)),
                   .spec_text = request.spec_text,
                   .metric = spec_.metric ? spec_.metric->name : "",
                   .maximize = spec_.metric && spec_.metric->goal == Goal::kMaximize,
                   .trials_planned = planned == kOpenEnded ? 0 : planned,
                   .provenance_json = request.provenance_json,
                   .at_ms = unix_ms_});
  }

  void GoOn(const SweepHistory& known) {
    const SweepSpec before = StoredSpecOf(known);
    if (!before.is_outside) {
      throw Error(fmt::format("the trials of sweep \"{}\" are run by ddl sweep", spec_.name), "",
                  "give the spec another name, or begin another sweep of this one with --new");
    }
    spec_ = WithExtension(before, spec_);
    const SpecDifference difference = DifferenceOf(before, spec_);
    if (!difference.in_place) {
      throw Error(
          fmt::format("sweep \"{}\" exists with another spec:\n{}", spec_.name, difference.text),
          "", "begin another with --new, or give the spec another name");
    }
    id_ = known.id;
    is_changed_ = !difference.text.empty();
    if (!known.search.empty()) step_ = known.search.back().step;
    for (const SearchStep& step : known.search) {
      if (step.outcome_json.empty()) asked_ = step.configuration + 1;
    }
  }

  // As a coordinator notes it.
  std::string NoteOf(const Search& search) {
    std::string note = search.Note();
    if (note.empty() || (known_ && note == known_->search_note)) return {};
    changes_.emplace_back(EventNoted{id_, {}, std::string(kOfSearch) + note, unix_ms_});
    return note;
  }

  // The trial and its attempt, and before its first seed the question with its answer.
  void Open(const OutsideTrial& trial) {
    const std::string parameters = DumpJson(trial.parameters);
    if (Learns(spec_.method) && trial.configuration >= asked_) {
      asked_ = trial.configuration + 1;
      changes_.emplace_back(SearchAsked{id_, ++step_, trial.configuration});
      changes_.emplace_back(SearchProposed{id_, step_, parameters});
    }
    const TrialId id{++given_.trials};
    const JobId job{++given_.jobs};
    changes_.emplace_back(
        TrialAdded{id, id_, trial.number, trial.configuration, trial.seed, parameters, unix_ms_});
    changes_.emplace_back(AttemptAdded{.trial = id,
                                       .job = job,
                                       .token = OutsideToken(job),
                                       .host = std::string(kOutsideHost),
                                       .slots_json = SlotsToJson({}),
                                       .argv_json = "[]",
                                       .job_folder = {},
                                       .at_ms = unix_ms_});
    changes_.emplace_back(AttemptStarted{.trial = id, .at_ms = unix_ms_});
  }

  // It runs while something is asked for. Where nothing is left to ask and all is told, it ends.
  void SettleSweep(const AskedOutside& asked) {
    if (!known_) return;
    SweepChanged changed{
        .id = id_, .spec_json = {}, .trials_planned = {}, .reason = {}, .at_ms = unix_ms_};
    if (is_changed_) {
      const std::int64_t planned = PlannedTrials(spec_);
      changed.spec_json = DumpJson(ResolvedSpec(spec_));
      changed.trials_planned = planned == kOpenEnded ? 0 : planned;
    }
    const bool is_over = asked.trials.empty() && known_->open_attempts.empty();
    const bool was_over = known_->state != SweepState::kRunning;
    if (is_over && was_over) {
      changed.state = known_->state;
      changed.outcome = known_->outcome;
      changed.reason = known_->reason;
    } else if (is_over) {
      changed.state = SweepState::kFinished;
      const auto is_failed = [](const KnownTrial& t) { return t.state == TrialState::kFailed; };
      const bool has_failed = std::ranges::any_of(known_->trials, is_failed);
      changed.outcome = has_failed ? SweepOutcome::kSomeFailed : SweepOutcome::kAllDone;
      changed.reason = asked.end;
    }
    const bool is_moved = is_over != was_over;
    if (is_changed_ || is_moved) changes_.emplace_back(std::move(changed));
  }

  SweepSpec spec_;
  std::int64_t unix_ms_;
  Counters given_;
  std::optional<SweepHistory> known_;
  SweepId id_;
  bool is_changed_ = false;
  std::int64_t step_ = 0;
  std::int64_t asked_ = 0;  // configurations of a search that learns
  std::vector<Change> changes_;
};

}  // namespace

AskedOutside AskOutside(Store& store, const SweepRequest& request, std::int64_t count,
                        std::int64_t unix_ms) {
  Asking asking(store, request, unix_ms);
  AskedOutside asked = asking.Take(count);
  if (!asking.Changes().empty()) store.Commit(asking.Changes());
  return asked;
}

void RefuseOutside(const SweepHistory& history) {
  if (!StoredSpecOf(history).is_outside) return;
  throw Error(fmt::format("the trials of sweep \"{}\" run outside of ddl", history.name), "",
              "go on with it by ddl ask and ddl tell; --new begins another of its name");
}

}  // namespace ddl
