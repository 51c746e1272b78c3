// SPDX-License-Identifier: Apache-2.0
// Trainings of one shape that share a device, each on a thread of its own: their steps are taken
// together, a lane each. Who comes takes a free lane, who leaves frees it; the others go on. The
// room grows while that makes all of them together faster.
//
// There is no thread of the team's: whoever hands over the last stretch that is missing runs all of
// them. Nobody waits longer for a slower member than the latest run took.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "trainer/cuda/gpu_meter.h"
#include "trainer/cuda/gpu_plan.h"

namespace ddl {

// Where devices come from: sessions on one GPU.
struct GpuSource {
  std::string name;        // which one it is, with all that a log should tell
  std::string arithmetic;  // what decides about bits: the same on another GPU of the type
  std::function<std::unique_ptr<GpuDevice>()> open;
  std::function<GpuSpace()> space;
  // Of all that run on it, where the driver tells; for one thread at a time.
  std::function<GpuUse()> use = nullptr;
};

// Steps of a run at most; of rows that are handed over as many as a lane has eight MiB for, here
// and on the device.
inline constexpr std::size_t kMostStretch = 128;
[[nodiscard]] std::size_t StretchFor(const ModelShape& shape, bool is_handed_over);

struct TeamSettings {
  ModelShape shape;
  std::size_t scale_floats = 1;  // one for all features, or one each
  std::size_t stretch = 128;     // steps of a run at most
  ProductPrecision precision = ProductPrecision::kFloat32;
  Augmentation augmentation = {};  // of training images
  std::size_t first_lanes = 1;     // room to begin with
  std::size_t most_lanes = 64;
  // What twice the lanes have to bring: else the room grows no more. 1: nothing.
  double least_gain = 1.05;
};

// How many steps of lanes were trained in a second, by the room that there was: the best of its
// runs, as others disturb and never help. A probe that costs nothing.
class TeamRates {
 public:
  void Add(std::size_t room, double rate) {
    double& best = rates_[room];
    best = std::max(best, rate);
  }
  // Whether more than `room` lanes may be worth it: not before so many have run together, and not
  // where they were hardly faster than half of them.
  [[nodiscard]] bool MayGain(std::size_t room, double least_gain) const;

 private:
  std::map<std::size_t, double> rates_;
};

class GpuTeam {
  struct Request;

 public:
  // Takes the memory of `first_lanes`, or of as many as fit. Throws GpuMemoryError where not even
  // one does. Whoever has a lane has all the memory that it needs: what is refused later is a
  // GpuFault. Source and rows outlive the team.
  GpuTeam(const GpuSource& source, const TeamSettings& settings, const GpuRows& rows);
  GpuTeam(const GpuTeam&) = delete;
  GpuTeam& operator=(const GpuTeam&) = delete;
  ~GpuTeam() = default;

  // A lane of the team, for one thread, until it is destroyed.
  class Seat {
   public:
    Seat(GpuTeam& team, std::size_t lane) : team_(team), lane_(lane) {}
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    ~Seat() { team_.Leave(*this); }

    void SetState(std::span<const float> state);
    [[nodiscard]] std::vector<float> State();
    // A batch for each step, as many as Stretch() ever said; as many scores.
    std::vector<BatchScore> Train(std::span<const LaneBatch> batches);
    // `outputs`, where it is not null, takes the logits of all steps, of KeptSteps() at most.
    std::vector<BatchScore> Evaluate(std::span<const LaneBatch> batches,
                                     std::vector<float>* outputs = nullptr);

   private:
    friend class GpuTeam;
    GpuTeam& team_;
    std::size_t lane_;  // another one after lanes were moved together
    Request* request_ = nullptr;
  };

  // Waits while all lanes are taken and the memory holds no more. Null: told to stop.
  [[nodiscard]] std::unique_ptr<Seat> Join(const LaneSettings& settings, const Affine& affine,
                                           const std::function<bool()>& is_stop_asked);

  [[nodiscard]] const Model& Compiled() const { return model_; }
  // Steps that make a run of some sixty milliseconds, as runs were of late.
  [[nodiscard]] std::size_t Stretch() const { return stretch_; }
  [[nodiscard]] std::size_t KeptSteps() const { return ddl::KeptSteps(model_, settings_.stretch); }
  // At this moment; waits for nobody.
  [[nodiscard]] bool HasFreeLane() const { return members_ < open_lanes_; }
  [[nodiscard]] std::size_t Room();
  [[nodiscard]] std::size_t Members();
  [[nodiscard]] std::size_t MemoryBytes();
  // "64 lanes of 7.1 MiB …": the memory that it holds.
  [[nodiscard]] std::string DescribeMemory();

 private:
  using Lock = std::unique_lock<std::mutex>;
  class Alone;

  void Open(std::size_t lanes);
  [[nodiscard]] bool Grow();
  void Measure(std::size_t width, std::size_t steps, std::size_t lane_steps,
               std::chrono::duration<double> spent);
  [[nodiscard]] GpuPlan& Plan() const;
  [[nodiscard]] std::size_t FreeLane() const;
  void Leave(Seat& seat);
  std::vector<BatchScore> Submit(Seat& seat, Request& request);
  void Conduct(Lock& lock);
  [[nodiscard]] std::size_t Occupied() const;
  void MoveTogether();
  void Run(std::span<Seat* const> seats, bool is_training);

  const GpuSource& source_;
  const TeamSettings settings_;
  const GpuRows& rows_;
  Model model_;
  GpuMemory memory_;

  std::mutex mutex_;
  std::condition_variable changed_;  // for members
  std::condition_variable room_;     // for those who wait for a lane
  bool is_taken_ = false;  // lanes, device and plan are one thread's, which holds no lock meanwhile
  std::vector<Seat*> lanes_;  // null: free
  std::atomic<std::size_t> members_ = 0;
  std::atomic<std::size_t> open_lanes_ = 0;  // as many as lanes_, for those who hold no lock
  std::size_t handed_over_ = 0;              // requests that wait for a run
  std::chrono::steady_clock::time_point waiting_since_;
  std::chrono::nanoseconds patience_{0};
  std::atomic<std::size_t> stretch_;
  TeamRates rates_;
  std::size_t latest_width_ = 0;  // of a run in training: the first one of a width compiles it
  std::unique_ptr<GpuDevice> device_;
  std::unique_ptr<GpuPlan> plan_;
};

// How many lanes a run covers of which the first `occupied` are taken: 1, 2, 3, 4, 6, 8, 12, …, as
// each such number is compiled; less than half more than is needed, and at most `room`.
[[nodiscard]] std::size_t RunWidth(std::size_t occupied, std::size_t room);

}  // namespace ddl
