// SPDX-License-Identifier: Apache-2.0
// One lane of a worker: its connection, its thread and how far they are. Of the server's thread but
// for the training itself.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <thread>

#include "trainer/command_line.h"
#include "trainer/cuda/gpu_teams.h"
#include "trainer/data_shelf.h"

namespace ddl {

// The exit code of a worker that gave up: its lanes go on elsewhere.
inline constexpr int kGaveUp = 70;

class Lane {
 public:
  // Owns the connection. `doorbell` is an eventfd that rings when the lane has ended. A GPU that
  // fails ends the process.
  Lane(int connection, int doorbell, GpuTeams& gpus);
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  ~Lane();

  // What poll is to watch; -1 once the other end is closed.
  [[nodiscard]] int Watched() const { return cut_off_since_ ? -1 : connection_; }
  // There is something to read. False: nobody is at the other end, and nothing runs.
  bool Read(DataShelf& shelf);
  [[nodiscard]] bool HasEnded() const { return has_ended_.load(); }
  // Waits for the thread and says how the lane ended.
  void Conclude(DataShelf& shelf);
  // Since when a lane whose client is gone goes on.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> CutOffSince() const {
    return cut_off_since_;
  }

 private:
  void Begin(const std::string& line, DataShelf& shelf);
  void Train();
  void Write(int descriptor, const std::string& text) const;

  int connection_;
  int doorbell_;
  GpuTeams& gpus_;
  std::array<int, 2> logs_{-1, -1};  // its standard output and error
  std::string text_;                 // received, not yet understood
  std::map<std::string, std::string> environment_;
  TrainerCommand command_;
  std::optional<DataShelf::Loan> loan_;
  std::thread thread_;
  std::atomic<bool> must_stop_ = false;
  std::atomic<bool> has_ended_ = false;
  bool is_loaded_ = false;
  int code_ = 0;
  std::int64_t cpu_ms_ = 0;
  std::optional<std::chrono::steady_clock::time_point> cut_off_since_;
};

}  // namespace ddl
