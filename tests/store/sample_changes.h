// SPDX-License-Identifier: Apache-2.0
// Stores with something in them.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "store/reader.h"
#include "store/store.h"

namespace ddl {

// A folder that is gone after the test.
class SampleStore {
 public:
  SampleStore() {
    path_ = std::filesystem::temp_directory_path() / "ddl_store_XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  }
  SampleStore(const SampleStore&) = delete;
  SampleStore& operator=(const SampleStore&) = delete;
  ~SampleStore() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::string& Path() const { return path_; }
  [[nodiscard]] std::string Database() const { return path_ + "/ddl.db"; }

 private:
  std::string path_;
};

inline void Commit(Store& store, std::vector<Change> changes) {
  store.Commit(changes);
}

inline SweepAdded SampleSweep(std::int64_t id = 1, const std::string& name = "sample") {
  return {.id = {id},
          .name = name,
          .spec_json = R"({"description":"a sample"})",
          .spec_text = "name: sample\n",
          .metric = "loss",
          .trials_planned = 10,
          .provenance_json = "{}",
          .at_ms = 1'000};
}

// A trial of sweep 1 with an attempt that runs; job and trial have the same number.
inline std::vector<Change> TrialThatRuns(std::int64_t number) {
  return {TrialAdded{.id = {number},
                     .sweep = {1},
                     .number = number,
                     .configuration = number - 1,
                     .params_json = R"({"lr":0.5})",
                     .at_ms = 2'000},
          AttemptAdded{.trial = {number},
                       .job = {number},
                       .token = "token",
                       .host = "local",
                       .slots_json = R"({"cores":[[0,0,1000]],"gpus":[],"memory_mib":0})",
                       .argv_json = "[]",
                       .job_folder = "/nowhere",
                       .at_ms = 2'000},
          AttemptStarted{.trial = {number}, .pid = 7, .at_ms = 3'000}};
}

inline MetricsAdded Losses(std::int64_t number, std::int64_t first_seq,
                           const std::vector<double>& values) {
  MetricsAdded added{.rank = {{number}, 0}, .trial = {number}};
  for (const double value : values) {
    added.reports.push_back({.seq = first_seq,
                             .step = first_seq,
                             .elapsed_ms = first_seq * 10,
                             .values = {{"loss", value}}});
    ++first_seq;
  }
  return added;
}

inline std::vector<Change> EndedTrial(std::int64_t number, TrialState state) {
  return {AttemptEnded{.trial = {number}, .wall_ms = 500, .at_ms = 4'000},
          TrialMoved{.trial = {number}, .to = state, .reason = "because", .at_ms = 4'000}};
}

}  // namespace ddl
