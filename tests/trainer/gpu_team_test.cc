// SPDX-License-Identifier: Apache-2.0
// Trainings on threads of their own that share a device made of loops.
#include "trainer/cuda/gpu_team.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trainer/gpu_case.h"
#include "tests/trainer/host_device.h"
#include "trainer/cuda/interface.h"

namespace ddl {
namespace gpu_team_test {

constexpr std::size_t kFeatures = 11;
constexpr std::size_t kClasses = 3;
constexpr std::size_t kRows = 40;
constexpr std::size_t kBatch = 8;

const ByteRows& Rows() {
  static const ByteRows rows(kRows, kFeatures, kClasses);
  return rows;
}

LaneSettings LaneNumber(std::size_t lane) {
  return {.seed = 5 + lane,
          .optimizer = {.kind = OptimizerKind::kAdamW,
                        .lr = 1e-3 * (1.0 + 0.3 * static_cast<double>(lane))},
          .dropout = 0.1};
}

constexpr std::size_t kPlenty = std::size_t{1} << 30U;

// What a device is short of, and what it did.
struct World {
  std::size_t free_bytes = kPlenty;
  std::size_t refuses_above = ~std::size_t{0};  // bytes of one session
  std::atomic<bool> is_broken = false;
  std::atomic<bool> refuses_graphs = false;
  // What a step of so many lanes takes beside the loops.
  std::function<std::chrono::microseconds(std::size_t lanes)> cost = nullptr;
  std::atomic<std::size_t> opened = 0;
  std::atomic<std::size_t> launched = 0;
  std::vector<std::size_t> widths = {};  // that were compiled
};

class TellingDevice final : public GpuDevice {
 public:
  explicit TellingDevice(World& world) : world_(world) { ++world_.opened; }

  void* Allocate(std::size_t bytes) override {
    if (host_.AllocatedBytes() + bytes > world_.refuses_above)
      throw GpuMemoryError("out of memory", "", "");
    return host_.Allocate(bytes);
  }
  void* AllocateStaging(std::size_t bytes) override { return host_.AllocateStaging(bytes); }
  void Upload(void* to, const void* from, std::size_t bytes) override {
    host_.Upload(to, from, bytes);
  }
  void Download(void* to, const void* from, std::size_t bytes) override {
    host_.Download(to, from, bytes);
  }
  std::size_t Compile(std::span<const Operation> operations, std::uint32_t lanes) override {
    if (world_.refuses_graphs) throw GpuMemoryError("a graph: out of memory", "", "");
    world_.widths.push_back(lanes);
    lanes_.push_back(lanes);
    return host_.Compile(operations, lanes);
  }
  void Launch(std::size_t program, std::size_t times) override {
    if (world_.is_broken) throw Error("the GPU fell off the bus", "", "");
    world_.launched += times;
    host_.Launch(program, times);
    if (world_.cost) std::this_thread::sleep_for(world_.cost(lanes_.at(program)) * times);
  }
  void Wait() override {}

 private:
  World& world_;
  HostDevice host_;
  std::vector<std::size_t> lanes_;  // by program
};

class GpuTeamTest : public testing::Test {
 protected:
  GpuTeamTest()
      : source_{.name = "a host",
                .arithmetic = "loops",
                .open = [this] { return std::make_unique<TellingDevice>(world_); },
                .space = [this] { return GpuSpace{.free_bytes = world_.free_bytes}; }},
        rows_(data_device_, Rows().Data()) {}

  std::unique_ptr<GpuTeam> Make(std::size_t first, std::size_t most, double least_gain = 1.0) {
    const TeamSettings settings{.shape = {.batch = kBatch,
                                          .evaluation_batch = 16,
                                          .features = kFeatures,
                                          .classes = kClasses,
                                          .layers = DenseLayers({9}, Activation::kRelu, true),
                                          .state_tensors = 2},
                                .stretch = 4,
                                .first_lanes = first,
                                .most_lanes = most,
                                .least_gain = least_gain};
    return std::make_unique<GpuTeam>(source_, settings, rows_);
  }

  static std::unique_ptr<GpuTeam::Seat> Sit(GpuTeam& team, std::size_t lane) {
    auto seat = team.Join(LaneNumber(lane), Rows().Data().affine, [] { return false; });
    std::vector<float> block(team.Compiled().layout.Floats());
    InitialiseWeights(team.Compiled(), Initialisation::kUniform, LaneNumber(lane).seed,
                      block.data());
    seat->SetState(std::span(block).first(team.Compiled().state_floats));
    return seat;
  }

  // Steps first, …, last, in stretches of `stretch`.
  static double Train(GpuTeam::Seat& seat, std::size_t lane, std::uint64_t first,
                      std::uint64_t last, std::uint64_t stretch = 4) {
    double loss = 0.0;
    for (std::uint64_t step = first; step <= last; step += stretch) {
      const std::uint64_t end = std::min(step + stretch, last + 1);
      std::vector<std::vector<std::uint32_t>> rows;
      std::vector<LaneBatch> batches;
      for (std::uint64_t one = step; one < end; ++one)
        rows.push_back(RowsOf(lane, one, kBatch, kRows));
      for (std::uint64_t one = step; one < end; ++one)
        batches.push_back(
            {.rows = rows[one - step], .step = one, .lr = RateOf(LaneNumber(lane), one)});
      for (const BatchScore& score : seat.Train(batches))
        loss += score.loss_sum;
    }
    return loss;
  }

  std::vector<float> Alone(std::size_t lane, std::uint64_t steps) {
    const auto team = Make(1, 1);
    const auto seat = Sit(*team, lane);
    Train(*seat, lane, 1, steps);
    return seat->State();
  }

  World world_;
  GpuSource source_;
  HostDevice data_device_;
  GpuRows rows_;
};

TEST(RunWidth, IsOneOfFewAndLessThanHalfMoreThanWhatIsNeeded) {
  for (std::size_t occupied = 1; occupied <= 200; ++occupied) {
    const std::size_t width = RunWidth(occupied, 1000);
    EXPECT_GE(width, occupied);
    EXPECT_LE(2 * width, 3 * occupied) << occupied;
    EXPECT_EQ(RunWidth(width, 1000), width);
  }
  EXPECT_EQ(RunWidth(49, 50), 50U);
}

TEST(TeamRates, LetTheRoomGrowOnlyOnceItIsMeasuredAndWhileItGains) {
  TeamRates rates;
  EXPECT_FALSE(rates.MayGain(8, 1.05));
  EXPECT_TRUE(rates.MayGain(8, 1.0));
  rates.Add(8, 1000.0);
  EXPECT_TRUE(rates.MayGain(8, 1.05)) << "there is nothing to compare it with";
  EXPECT_FALSE(rates.MayGain(16, 1.05));
  rates.Add(16, 1900.0);
  EXPECT_TRUE(rates.MayGain(16, 1.05));
  rates.Add(32, 1950.0);
  EXPECT_FALSE(rates.MayGain(32, 1.05));
  rates.Add(32, 2100.0);
  EXPECT_TRUE(rates.MayGain(32, 1.05));
  rates.Add(32, 900.0);
  EXPECT_TRUE(rates.MayGain(32, 1.05)) << "a run that was disturbed takes nothing back";
}

TEST_F(GpuTeamTest, EachOfManyThreadsGetsTheBitsThatItGetsAlone) {
  constexpr std::size_t kLanes = 7;
  const auto team = Make(2, 16);
  std::vector<std::vector<float>> states(kLanes);
  std::vector<std::jthread> threads;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    threads.emplace_back([&, lane] {
      const auto seat = Sit(*team, lane);
      Train(*seat, lane, 1, 20 + lane, 1 + lane % 4);
      states[lane] = seat->State();
    });
  }
  threads.clear();
  for (std::size_t lane = 0; lane < kLanes; ++lane)
    EXPECT_EQ(states[lane], Alone(lane, 20 + lane)) << lane;
  EXPECT_EQ(team->Members(), 0U);
}

TEST_F(GpuTeamTest, MembersThatTrainAlikeShareTheirRuns) {
  constexpr std::size_t kLanes = 4;
  const auto team = Make(kLanes, kLanes);
  std::vector<std::unique_ptr<GpuTeam::Seat>> seats;
  for (std::size_t lane = 0; lane < kLanes; ++lane)
    seats.push_back(Sit(*team, lane));
  world_.launched = 0;
  std::vector<std::jthread> threads;
  for (std::size_t lane = 0; lane < kLanes; ++lane)
    threads.emplace_back([&, lane] { Train(*seats[lane], lane, 1, 40); });
  threads.clear();
  // 40 where nobody is ever late, 160 where nobody waits for anybody.
  EXPECT_LT(world_.launched, 80U);
}

TEST_F(GpuTeamTest, TheRoomGrowsWithItsMembersAndTheirStatesComeAlong) {
  const auto team = Make(1, 8);
  const auto first = Sit(*team, 0);
  Train(*first, 0, 1, 6);
  EXPECT_EQ(team->Room(), 1U);
  std::vector<std::unique_ptr<GpuTeam::Seat>> others;
  std::vector<std::jthread> threads;
  for (std::size_t lane = 1; lane < 5; ++lane)
    others.push_back(Sit(*team, lane));
  EXPECT_EQ(team->Room(), 8U);
  threads.emplace_back([&] { Train(*others[2], 3, 1, 9); });
  Train(*first, 0, 7, 12);
  threads.clear();
  EXPECT_EQ(first->State(), Alone(0, 12));
  EXPECT_EQ(others[2]->State(), Alone(3, 9));
}

TEST_F(GpuTeamTest, WhoStaysIsMovedTogetherAndGoesOnWithTheSameBits) {
  const auto team = Make(8, 8);
  std::vector<std::unique_ptr<GpuTeam::Seat>> seats;
  for (std::size_t lane = 0; lane < 8; ++lane)
    seats.push_back(Sit(*team, lane));
  std::vector<std::jthread> threads;
  for (std::size_t lane = 0; lane < 8; ++lane)
    threads.emplace_back([&, lane] { Train(*seats[lane], lane, 1, 8); });
  threads.clear();
  for (const std::size_t lane : {0U, 1U, 2U, 4U, 5U, 6U})
    seats[lane].reset();
  threads.emplace_back([&] { Train(*seats[3], 3, 9, 20); });
  Train(*seats[7], 7, 9, 20);
  threads.clear();
  EXPECT_THAT(world_.widths, testing::Contains(2U)) << "no lane is computed for nobody";
  EXPECT_EQ(seats[3]->State(), Alone(3, 20));
  EXPECT_EQ(seats[7]->State(), Alone(7, 20));
}

// Members whose runs are measured, before and after the room has grown once; whether it may grow
// again.
bool GrowsTwice(GpuTeam& team, const std::function<void(std::size_t members)>& train,
                const std::function<bool()>& join) {
  train(2);
  EXPECT_TRUE(join()) << "there is nothing yet to compare two lanes with";
  EXPECT_EQ(team.Room(), 4U);
  EXPECT_TRUE(join());
  train(4);
  return join();
}

TEST_F(GpuTeamTest, TheRoomGrowsOnlyWhileItsOwnRunsGetFaster) {
  using std::chrono::microseconds;
  const auto grows = [this](const std::function<microseconds(std::size_t)>& cost) {
    world_.cost = cost;
    const auto team = Make(2, 8, 1.05);
    std::vector<std::unique_ptr<GpuTeam::Seat>> seats;
    const auto join = [&] {
      int asks = 0;
      auto seat =
          team->Join(LaneNumber(seats.size()), Rows().Data().affine, [&] { return ++asks > 2; });
      if (seat == nullptr) return false;
      seat->SetState(std::vector<float>(team->Compiled().state_floats, 0.01F));
      seats.push_back(std::move(seat));
      return true;
    };
    const auto train = [&](std::size_t members) {
      std::vector<std::jthread> threads;
      for (std::size_t lane = 0; lane < members; ++lane)
        threads.emplace_back([&, lane] { Train(*seats[lane], lane, 1, 60); });
    };
    EXPECT_TRUE(join() && join());
    return GrowsTwice(*team, train, join);
  };
  EXPECT_TRUE(grows([](std::size_t) { return microseconds(1000); }));
  EXPECT_FALSE(grows([](std::size_t lanes) { return microseconds(100 * lanes * lanes); }));
}

TEST_F(GpuTeamTest, MemoryThatIsRefusedToTrainingsThatHaveBegunIsAFault) {
  const auto team = Make(1, 8);
  const auto first = Sit(*team, 0);
  world_.refuses_graphs = true;
  EXPECT_THROW(Train(*first, 0, 1, 4), GpuFault);
  world_.refuses_graphs = false;
  Train(*first, 0, 1, 4);
  world_.refuses_above = 100;
  EXPECT_THROW(Sit(*team, 1), GpuFault) << "the room grows, and is refused what it had";
  EXPECT_THROW(Train(*first, 0, 5, 8), GpuFault);
}

TEST_F(GpuTeamTest, WhoFollowsADivergedTrainingGetsTheBitsOfAFreshLane) {
  const auto team = Make(1, 1);
  {
    const auto broken = Sit(*team, 0);
    broken->SetState(
        std::vector<float>(team->Compiled().state_floats, std::numeric_limits<float>::quiet_NaN()));
    EXPECT_TRUE(std::isnan(Train(*broken, 0, 1, 4)));
  }
  const auto next = Sit(*team, 1);
  Train(*next, 1, 1, 10);
  EXPECT_EQ(next->State(), Alone(1, 10));
}

TEST_F(GpuTeamTest, WhoFindsNoMemoryWaitsForALane) {
  const GpuMemory memory =
      CountGpuMemory({.batch = kBatch,
                      .evaluation_batch = 16,
                      .features = kFeatures,
                      .classes = kClasses,
                      .layers = DenseLayers({9}, Activation::kRelu, true),
                      .state_tensors = 2},
                     {.rows = 0, .features = kFeatures, .bytes_each = 1, .scale_floats = 1}, 4);
  world_.free_bytes = memory.Bytes(2) + kLeastGpuHeadroom;
  const auto team = Make(4, 4);
  EXPECT_EQ(team->Room(), 2U);
  world_.free_bytes = 0;
  auto first = Sit(*team, 0);
  const auto second = Sit(*team, 1);
  int asks = 0;
  auto none = team->Join(LaneNumber(2), Rows().Data().affine, [&] { return ++asks > 2; });
  EXPECT_EQ(none, nullptr);
  std::vector<float> state;
  std::jthread third([&] {
    const auto seat = Sit(*team, 2);
    Train(*seat, 2, 1, 6);
    state = seat->State();
  });
  first.reset();
  third.join();
  world_.free_bytes = kPlenty;
  EXPECT_EQ(state, Alone(2, 6));
}

TEST_F(GpuTeamTest, MemoryThatOthersTookHalvesTheRoom) {
  const auto whole = Make(8, 8);
  const std::size_t before = world_.opened;
  world_.refuses_above = (whole->MemoryBytes() - kCudaWorkspaceBytes) / 8 * 3;
  const auto team = Make(8, 8);
  EXPECT_EQ(team->Room(), 2U);
  EXPECT_EQ(world_.opened, before + 3);
  const auto seat = Sit(*team, 3);
  Train(*seat, 3, 1, 5);
  EXPECT_EQ(seat->State(), Alone(3, 5));
  world_.refuses_above = 100;
  EXPECT_THROW(Make(4, 4), GpuMemoryError);
}

TEST_F(GpuTeamTest, AFaultIsToldToAllWhoseStepsItTook) {
  const auto team = Make(3, 3);
  std::vector<std::unique_ptr<GpuTeam::Seat>> seats;
  for (std::size_t lane = 0; lane < 3; ++lane)
    seats.push_back(Sit(*team, lane));
  world_.is_broken = true;
  std::atomic<int> told = 0;
  std::vector<std::jthread> threads;
  for (std::size_t lane = 0; lane < 3; ++lane) {
    threads.emplace_back([&, lane] {
      try {
        Train(*seats[lane], lane, 1, 4);
      } catch (const Error& error) {
        told += error.Message() == "the GPU fell off the bus" ? 1 : 0;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(told, 3);
}

TEST_F(GpuTeamTest, LogitsOfAllStepsComeBesideTheScores) {
  const auto team = Make(2, 2);
  const auto seat = Sit(*team, 0);
  const auto other = Sit(*team, 1);
  const std::vector<std::uint32_t> rows{3, 1, 4, 15, 9};
  std::jthread company([&] { Train(*other, 1, 1, 4); });
  std::vector<float> outputs;
  const auto scores =
      seat->Evaluate(std::vector<LaneBatch>{{.rows = rows}, {.rows = rows}}, &outputs);
  const std::size_t floats = LogitFloats(team->Compiled());
  const std::size_t stride = team->Compiled().logits.Stride();
  ASSERT_EQ(outputs.size(), 2 * floats);
  double loss = 0.0;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const float* z = outputs.data() + row * stride;
    double sum = 0.0;
    for (std::size_t c = 0; c < kClasses; ++c)
      sum += std::exp(static_cast<double>(z[c]));
    const auto label = static_cast<std::size_t>(Rows().labels[rows[row]]);
    loss += std::log(sum) - static_cast<double>(z[label]);
    EXPECT_EQ(z[0], outputs[floats + row * stride]);
  }
  EXPECT_NEAR(scores[0].loss_sum, loss, 1e-4);
  EXPECT_EQ(scores[0].loss_sum, scores[1].loss_sum);
}

}  // namespace gpu_team_test
}  // namespace ddl
