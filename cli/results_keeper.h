// SPDX-License-Identifier: Apache-2.0
// Brings results back while a sweep runs, on a thread of its own: it looks into the store now and
// then for what the sweeps' rules ask for (cli/results.h), and the coordinator knows nothing of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cli/results.h"
#include "configs/ids.h"
#include "runner/mailbox.h"

namespace ddl {

class ResultsKeeper {
 public:
  explicit ResultsKeeper(std::string store_folder);
  ResultsKeeper(const ResultsKeeper&) = delete;
  ResultsKeeper& operator=(const ResultsKeeper&) = delete;
  ResultsKeeper(ResultsKeeper&&) = delete;
  ResultsKeeper& operator=(ResultsKeeper&&) = delete;
  ~ResultsKeeper() = default;  // what is on its way is gone on with by the next one

  // From now on this sweep's results are looked after.
  void Keep(SweepId sweep);
  // All sweeps have ended: one last look, and `patience` for hosts that do not answer. Notes go
  // out until Next says that it is over.
  void Finish(std::chrono::seconds patience);

  struct Note {
    std::string text{};
    bool is_end = false;  // of all; nothing follows
  };
  // What is worth a line, waiting up to `patience` for the first.
  [[nodiscard]] std::vector<Note> Next(std::chrono::milliseconds patience);

 private:
  struct Word {
    SweepId sweep{};
    std::optional<std::chrono::seconds> patience{};  // to finish
  };
  struct Trouble {
    std::string reason;
    std::chrono::steady_clock::time_point again;
  };
  void Run(const std::stop_token& stop);
  [[nodiscard]] std::vector<TrialResults> Look() const;
  // How many are still missing.
  std::size_t Pass(ResultsFetcher& fetcher, const std::stop_token& stop);
  [[nodiscard]] bool FetchOne(ResultsFetcher& fetcher, const TrialResults& results);
  void FinishNow(ResultsFetcher& fetcher, std::chrono::seconds patience,
                 const std::stop_token& stop);

  std::string store_folder_;
  std::set<SweepId> sweeps_;
  std::map<std::string, Trouble> troubles_;  // by host
  std::int64_t fetched_ = 0;                 // since the last end
  std::int64_t bytes_ = 0;
  Mailbox<Word> words_;
  Mailbox<Note> notes_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace ddl
