// SPDX-License-Identifier: Apache-2.0
// Whole trainings on a device made of loops: metrics, checkpoints and figures beside the CPU's.
// Where DDL_NEEDS_GPU is set they are on the GPU.
#include <atomic>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "configs/error.h"
#include "configs/json.h"
#include "tests/trainer/gpu_at_hand.h"
#include "tests/trainer/host_device.h"
#include "tests/trainer/temporary_folder.h"
#include "tests/trainer/training_session.h"
#include "trainer/cpu_engine.h"
#include "trainer/cuda/gpu_teams.h"
#include "trainer/cuda/interface.h"
#include "trainer/explain.h"
#include "trainer/task.h"

namespace ddl {
namespace gpu_training_test {

GpuSource AtHand() {
  if (std::getenv("DDL_NEEDS_GPU") != nullptr) return FindGpu(BuiltCudaLibrary());
  return {.name = "loops",
          .arithmetic = "loops",
          .open = [] { return std::make_unique<HostDevice>(); },
          .space = [] { return GpuSpace{.free_bytes = std::size_t{1} << 30U}; }};
}

TrainerConfig ConfigOf(const std::string& changes = "{}", const std::string& model = "") {
  Json mapping = ParseJson(
      R"({"data": {"type": "blobs", "rows": 300, "features": 6, "classes": 3}, "epochs": 3,
          "validation": 0.2, "batch_size": 16, "device": "gpu",
          "model": {"type": "mlp", "hidden": [9, 7], "dropout": 0.1},
          "optimizer": {"type": "adam", "lr": 0.01}, "schedule": {"type": "cosine"}})",
      "test");
  if (!model.empty()) mapping["model"] = ParseJson(model, "test");
  Override(mapping, ParseJson(changes, "test"));
  return ReadTrainerConfig(mapping);
}

// One training over a data set, on the teams of a process or on the CPU.
struct GpuSession {
  const TrainerConfig& config;
  const Dataset& data;
  GpuTeams* gpus = nullptr;
  std::optional<std::filesystem::path> folder = std::nullopt;
  int stop_after_stretches = kNever;

  std::vector<std::string> lines = {};
  std::vector<std::string> notes = {};
  std::vector<float> state = {};
  std::uint64_t iteration = 0;
  TrainingEnd end = TrainingEnd::kFinished;

  void Run() {
    const TrainingBatches batches = MakeBatches(config, data);
    int asked = 0;
    const TrainingOutlets outlets{
        .metrics = [&](const std::string& line) { lines.push_back(WithoutSpeed(line)); },
        .notes = [&](const std::string& note) { notes.push_back(note); },
        .is_stop_asked =
            [&] { return stop_after_stretches != kNever && asked++ >= stop_after_stretches; },
        .checkpoint_folder = folder,
        .output_folder = folder};
    const ModelShape shape = ShapeOf(config, batches);
    const LaneSettings lane = LaneOf(config, batches);
    std::unique_ptr<Engine> engine;
    if (gpus == nullptr) {
      engine = std::make_unique<CpuEngine>(shape, lane, batches);
    } else {
      engine = gpus->Join(config, shape, lane, batches,
                          {.is_stop_asked = [] { return false; }, .notes = outlets.notes});
    }
    Training training(config, batches, outlets, std::move(engine));
    end = training.Run();
    state = training.State();
    iteration = training.Clock().iteration;
  }
};

Dataset DataOf(const TrainerConfig& config) {
  return LoadDataset(config.data, {});
}

void ExpectNear(const std::vector<std::string>& lines, const std::vector<std::string>& expected) {
  ASSERT_EQ(lines.size(), expected.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Json one = ParseJson(lines[i], "line");
    const Json other = ParseJson(expected[i], "line");
    ASSERT_EQ(one.size(), other.size()) << lines[i] << expected[i];
    for (const auto& [key, value] : other.items()) {
      ASSERT_TRUE(one.contains(key)) << key;
      EXPECT_NEAR(one.at(key).get<double>(), value.get<double>(), 1e-4) << key << " " << i;
    }
  }
}

TEST(GpuTraining, SaysEpochByEpochWhatTheCpuSays) {
  for (const char* changes : {"{}", R"({"early_stopping": {"patience": 1}, "epochs": 6})",
                              R"({"ema_decay": 0.9, "loss": {"label_smoothing": 0.1}})",
                              R"({"steps_per_epoch": 3, "optimizer": {"type": "sgd"}})"}) {
    SCOPED_TRACE(changes);
    const TrainerConfig config = ConfigOf(changes);
    const Dataset data = DataOf(config);
    GpuTeams teams(AtHand, 4);
    GpuSession gpu{.config = config, .data = data, .gpus = &teams};
    GpuSession cpu{.config = config, .data = data};
    gpu.Run();
    cpu.Run();
    ExpectNear(gpu.lines, cpu.lines);
    EXPECT_EQ(gpu.end, TrainingEnd::kFinished);
  }
}

void ExpectTheCpusWords(const TrainerConfig& config, const DataPaths& paths = {}) {
  const Dataset data = LoadDataset(config.data, paths);
  GpuTeams teams(AtHand, 4);
  GpuSession gpu{.config = config, .data = data, .gpus = &teams};
  GpuSession cpu{.config = config, .data = data};
  gpu.Run();
  cpu.Run();
  ExpectNear(gpu.lines, cpu.lines);
  EXPECT_EQ(gpu.end, TrainingEnd::kFinished);
}

TEST(GpuTraining, TrainsImagesAsTheCpuDoes) {
  ExpectTheCpusWords(
      ConfigOf(R"({"augment": {"crop": 1, "flip": true}, "clip_norm": 0.5, "epochs": 2})",
               R"({"type": "cnn", "image": [2, 3, 1], "norm": "batch", "layers": "5c3-ga-fc8"})"));
}

TEST(GpuTraining, TrainsTextAsTheCpuDoes) {
  const TrainerFolder folder;
  std::string text;
  for (int i = 0; i < 60; ++i)
    text += i % 7 < 4 ? "to be or not to be. " : "that is the question: ";
  std::ofstream(folder.Path() / "text.txt") << text;
  Json mapping = ParseJson(
      R"({"epochs": 2, "validation": 0.2, "batch_size": 8, "device": "gpu", "steps_per_epoch": 6,
          "model": {"type": "transformer", "depth": 1, "heads": 2, "width": 16},
          "optimizer": {"type": "adamw", "lr": 0.003}})",
      "test");
  mapping["data"] = {
      {"type", "text"}, {"train", (folder.Path() / "text.txt").string()}, {"context", 12}};
  ExpectTheCpusWords(ReadTrainerConfig(mapping));
}

TEST(GpuTraining, TrainsARegressionAsTheCpuDoes) {
  const TrainerFolder folder;
  std::ofstream file(folder.Path() / "line.csv");
  file << "a,b,y\n";
  for (int i = 0; i < 80; ++i)
    file << i % 9 << "," << i % 5 << "," << 0.5 * (i % 9) - 0.25 * (i % 5) << "\n";
  file.close();
  Json mapping = ParseJson(
      R"({"epochs": 3, "validation": 0.2, "batch_size": 16, "device": "gpu", "loss": "huber",
          "model": {"type": "mlp", "hidden": [8]}, "optimizer": {"type": "adam", "lr": 0.01}})",
      "test");
  mapping["data"] = {{"type", "csv"},
                     {"train", (folder.Path() / "line.csv").string()},
                     {"label", "y"},
                     {"labels", "real"}};
  ExpectTheCpusWords(ReadTrainerConfig(mapping));
}

TEST(GpuTraining, LeavesTheFiguresThatTheCpuLeaves) {
  const TrainerConfig config = ConfigOf(R"({"keep": "predictions"})");
  const Dataset data = DataOf(config);
  const TrainerFolder one;
  const TrainerFolder other;
  GpuTeams teams(AtHand, 4);
  GpuSession gpu{.config = config, .data = data, .gpus = &teams, .folder = one.Path()};
  GpuSession cpu{.config = config, .data = data, .folder = other.Path()};
  gpu.Run();
  cpu.Run();
  const auto read = [](const std::filesystem::path& folder) {
    return std::get<Predictions>(ReadPredictions(folder / kPredictionsFile));
  };
  const Predictions found = read(one.Path());
  const Predictions expected = read(other.Path());
  EXPECT_EQ(found.validation.rows, expected.validation.rows);
  EXPECT_EQ(found.validation.labels, expected.validation.labels);
  EXPECT_EQ(found.test.rows, expected.test.rows);
  EXPECT_EQ(found.test.labels, expected.test.labels);
  ASSERT_EQ(found.test.outputs.size(), expected.test.outputs.size());
  for (std::size_t i = 0; i < found.test.outputs.size(); ++i)
    EXPECT_NEAR(found.test.outputs[i], expected.test.outputs[i], 1e-4);
  EXPECT_NE(found.arithmetic, expected.arithmetic);
}

TEST(GpuTraining, ResumedIsBitForBitUninterrupted) {
  const TrainerConfig config = ConfigOf(R"({"data.rows": 1500, "batch_size": 2, "epochs": 2})");
  const Dataset data = DataOf(config);
  GpuTeams teams(AtHand, 4);
  GpuSession whole{.config = config, .data = data, .gpus = &teams};
  whole.Run();
  const TrainerFolder folder;
  GpuSession begun{.config = config,
                   .data = data,
                   .gpus = &teams,
                   .folder = folder.Path(),
                   .stop_after_stretches = 3};
  begun.Run();
  EXPECT_EQ(begun.end, TrainingEnd::kStopped);
  EXPECT_TRUE(begun.lines.empty()) << "in the midst of an epoch";
  GpuSession continued{.config = config, .data = data, .gpus = &teams, .folder = folder.Path()};
  continued.Run();
  EXPECT_EQ(continued.state, whole.state);
}

TEST(GpuTraining, CheckpointsPassBetweenCpuAndGpu) {
  const TrainerConfig longer = ConfigOf(R"({"epochs": 4, "schedule": "constant"})");
  const TrainerConfig shorter = ConfigOf(R"({"epochs": 2, "schedule": "constant"})");
  const Dataset data = DataOf(longer);
  GpuTeams teams(AtHand, 4);
  GpuSession cpu{.config = longer, .data = data};
  cpu.Run();
  const TrainerFolder folder;
  GpuSession on_cpu{.config = shorter, .data = data, .folder = folder.Path()};
  on_cpu.Run();
  GpuSession on_gpu{.config = longer, .data = data, .gpus = &teams, .folder = folder.Path()};
  on_gpu.Run();
  const auto says = [&](const std::string& words) {
    return std::ranges::any_of(on_gpu.notes, [&](const std::string& note) {
      return note.find(words) != std::string::npos;
    });
  };
  EXPECT_TRUE(says("the bits may differ"));
  ASSERT_EQ(on_gpu.state.size(), cpu.state.size());
  for (std::size_t i = 0; i < cpu.state.size(); ++i)
    EXPECT_NEAR(on_gpu.state[i], cpu.state[i], 1e-4);
}

// What became of trainings that ran at once, each on a thread of its own.
std::vector<GpuSession> Together(const std::vector<TrainerConfig>& configs, const Dataset& data,
                                 GpuTeams& teams) {
  std::vector<GpuSession> sessions;
  for (const TrainerConfig& config : configs)
    sessions.push_back({.config = config, .data = data, .gpus = &teams});
  std::vector<std::jthread> threads;
  for (GpuSession& session : sessions)
    threads.emplace_back([&session] { session.Run(); });
  threads.clear();
  return sessions;
}

TEST(GpuTraining, ManyAtOnceAreEachWhatTheyAreAlone) {
  std::vector<TrainerConfig> configs;
  for (int i = 0; i < 5; ++i) {
    configs.push_back(ConfigOf("{\"seed\": " + std::to_string(i % 3) + ", \"optimizer.lr\": 0.0" +
                               std::to_string(i + 1) + ", \"epochs\": " + std::to_string(2 + i) +
                               (i == 4 ? ", \"model.hidden\": [5]}" : "}")));
  }
  const Dataset data = DataOf(configs[0]);
  GpuTeams teams(AtHand, 4);
  const std::vector<GpuSession> together = Together(configs, data, teams);
  for (std::size_t i = 0; i < configs.size(); ++i) {
    GpuTeams own(AtHand, 1);
    GpuSession alone{.config = configs[i], .data = data, .gpus = &own};
    alone.Run();
    EXPECT_EQ(together[i].lines, alone.lines) << i;
    EXPECT_EQ(together[i].state, alone.state) << i;
  }
}

TEST(GpuTraining, DivergesAtTheStepAtWhichTheCpuDoes) {
  const TrainerConfig config =
      ConfigOf(R"({"optimizer": {"type": "sgd", "lr": 1e30}, "model.dropout": 0})");
  const Dataset data = DataOf(config);
  GpuTeams teams(AtHand, 4);
  GpuSession gpu{.config = config, .data = data, .gpus = &teams};
  GpuSession cpu{.config = config, .data = data};
  gpu.Run();
  cpu.Run();
  EXPECT_EQ(gpu.end, TrainingEnd::kDiverged);
  EXPECT_EQ(cpu.end, TrainingEnd::kDiverged);
  EXPECT_GT(cpu.iteration, 1U);
  EXPECT_EQ(gpu.iteration, cpu.iteration);
}

// That counts how often it was opened.
GpuSource Counting(std::atomic<std::size_t>& opened) {
  GpuSource source = AtHand();
  source.open = [&opened, open = source.open] {
    ++opened;
    return open();
  };
  return source;
}

TEST(GpuTraining, MemoryIsToldBeforeAnyOfItIsTaken) {
  const TrainerConfig config = ConfigOf();
  const Dataset data = DataOf(config);
  const TrainingBatches batches = MakeBatches(config, data);
  const ModelShape shape = ShapeOf(config, batches);
  std::atomic<std::size_t> opened = 0;
  GpuTeams teams([&opened] { return Counting(opened); }, 4);
  std::vector<std::string> notes;
  std::size_t opened_at_first = 0;
  const auto engine = teams.Join(config, shape, LaneOf(config, batches), batches,
                                 {.is_stop_asked = [] { return false; },
                                  .notes =
                                      [&](const std::string& note) {
                                        if (notes.empty()) opened_at_first = opened;
                                        notes.push_back(note);
                                      }});
  EXPECT_EQ(opened_at_first, 0U);
  EXPECT_EQ(opened, 2U) << "the data, and the team";
  GpuMemory memory =
      CountGpuMemory(shape, ShapeOf(DataFrom(data, batches.resident->affine)), kMostStretch);
  memory.shared += kCudaWorkspaceBytes;
  ASSERT_FALSE(notes.empty());
  EXPECT_NE(notes[0].find(DescribeGpuMemory(memory, 1)), std::string::npos) << notes[0];
}

TEST(GpuTraining, TheGpusUseIsToldWhileATeamIsMade) {
  const TrainerConfig config = ConfigOf();
  const Dataset data = DataOf(config);
  const TrainingBatches batches = MakeBatches(config, data);
  GpuTeams teams(
      [] {
        GpuSource source = AtHand();
        source.use = [] { return GpuUse{.clock_mhz = 1755.0}; };
        return source;
      },
      4);
  EXPECT_FALSE(teams.Use().clock_mhz);
  std::vector<GpuUse> told;
  const auto engine = teams.Join(
      config, ShapeOf(config, batches), LaneOf(config, batches), batches,
      {.is_stop_asked = [] { return false; },
       .notes =
           [&](const std::string&) { std::thread([&] { told.push_back(teams.Use()); }).join(); }});
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told[0].clock_mhz, 1755.0) << "before its memory is taken";
}

TEST(GpuTraining, TwentyAtOnceAreEachWhatTheyAreAlone) {
  constexpr std::size_t kTrainings = 20;
  std::vector<TrainerConfig> configs;
  for (std::size_t i = 0; i < kTrainings; ++i)
    configs.push_back(ConfigOf("{\"epochs\": 2, \"seed\": " + std::to_string(i) + "}"));
  const Dataset data = DataOf(configs[0]);
  GpuTeams teams(AtHand, 32);
  const std::vector<GpuSession> together = Together(configs, data, teams);
  for (const std::size_t i : {0U, 7U, 19U}) {
    GpuTeams own(AtHand, 1);
    GpuSession alone{.config = configs[i], .data = data, .gpus = &own};
    alone.Run();
    EXPECT_EQ(together[i].state, alone.state) << i;
  }
}

// Nobody ends before there are two, and nobody needs a third.
TEST(GpuTraining, ManyOfAShapeAreTwoTeams) {
  constexpr std::size_t kTrainings = 20;
  const TrainerConfig config = ConfigOf(R"({"epochs": 100000})");
  const Dataset data = DataOf(config);
  GpuTeams teams(AtHand, 32);
  std::atomic<std::size_t> made = 0;
  const auto train = [&] {
    const TrainingBatches batches = MakeBatches(config, data);
    const TrainingOutlets outlets{
        .metrics = [](const std::string&) {},
        .notes = [&](const std::string& note) { made += note.find("is ready") < note.size(); },
        .is_stop_asked = [&] { return made > 1; }};
    auto engine = teams.Join(config, ShapeOf(config, batches), LaneOf(config, batches), batches,
                             {.is_stop_asked = [] { return false; }, .notes = outlets.notes});
    EXPECT_EQ(Training(config, batches, outlets, std::move(engine)).Run(), TrainingEnd::kStopped);
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < kTrainings; ++i)
    threads.emplace_back(train);
  threads.clear();
  EXPECT_EQ(made, 2U);
}

TEST(GpuTraining, WhereTheMemoryHoldsOneTeamAllWaitForItsLanes) {
  constexpr std::size_t kTrainings = 12;
  const TrainerConfig config = ConfigOf(R"({"epochs": 2})");
  const Dataset data = DataOf(config);
  std::atomic<std::size_t> opened = 0;
  GpuTeams teams(
      [&opened] {
        GpuSource source = Counting(opened);
        source.space = [&opened] {
          return GpuSpace{.free_bytes = opened < 2 ? std::size_t{1} << 30U : 0};
        };
        return source;
      },
      32);
  const std::vector<TrainerConfig> configs(kTrainings, config);
  const std::vector<GpuSession> together = Together(configs, data, teams);
  EXPECT_EQ(opened, 2U) << "the data, and one team";
  for (const GpuSession& session : together)
    EXPECT_EQ(session.state, together[0].state);
}

TEST(GpuTraining, SaysThatDataAndModelAreTooLargeForTheGpu) {
  const TrainerConfig config = ConfigOf();
  const Dataset data = DataOf(config);
  GpuTeams teams(
      [] {
        GpuSource source = AtHand();
        source.space = [] {
          return GpuSpace{.free_bytes = std::size_t{8} << 20U,
                          .total_bytes = std::size_t{16} << 20U};
        };
        return source;
      },
      4);
  GpuSession gpu{.config = config, .data = data, .gpus = &teams};
  try {
    gpu.Run();
    FAIL();
  } catch (const GpuMemoryError& refused) {
    EXPECT_NE(refused.Message().find("memory, which has 0.00 in all"), std::string::npos)
        << refused.Message();
  }
}

TEST(GpuTraining, ExplainsTheMemoryOfItsLanes) {
  const TrainerConfig config = ConfigOf();
  const Dataset data = DataOf(config);
  const TrainingBatches batches = MakeBatches(config, data);
  const std::string text = Explain(config, batches, 0.0);
  EXPECT_NE(text.find("on a GPU: 1 lane of "), std::string::npos) << text;
  EXPECT_NE(text.find("          64 lanes of "), std::string::npos) << text;
  EXPECT_EQ(text.find("sgemm"), std::string::npos) << text;
}

// Of rows that stay in their file.
TEST(GpuTraining, OfRowsThatAreHandedOverIsTheCpus) {
  for (const char* changes :
       {R"({"shuffle": "blocks"})", R"({"shuffle": "none", "steps_per_epoch": 5})",
        R"({"shuffle": "blocks", "ema_decay": 0.9, "precision": "tf32"})"}) {
    SCOPED_TRACE(changes);
    const TrainerConfig config = ConfigOf(changes);
    const TrainerConfig other = ConfigOf(R"({"shuffle": "blocks", "seed": 5})");
    const Dataset data = DataOf(config);
    GpuTeams teams(AtHand, 4);
    GpuSession gpu{.config = config, .data = data, .gpus = &teams};
    GpuSession beside{.config = other, .data = data, .gpus = &teams};
    GpuSession cpu{.config = config, .data = data};
    std::thread company([&] { beside.Run(); });
    gpu.Run();
    company.join();
    cpu.Run();
    ExpectNear(gpu.lines, cpu.lines);
    GpuTeams alone(AtHand, 1);
    GpuSession solo{.config = config, .data = data, .gpus = &alone};
    solo.Run();
    EXPECT_EQ(solo.state, gpu.state) << "in company and alone";
  }
}

TEST(GpuTraining, HandedOverRowsTakeTheMemoryThatIsCounted) {
  const TrainerConfig config = ConfigOf(R"({"shuffle": "blocks"})");
  const Dataset data = DataOf(config);
  const ModelShape shape = ShapeOf(config, MakeBatches(config, data));
  HostDevice device;
  const GpuPlanSettings settings{.shape = shape, .lanes = {{}, {}, {}}, .stretch = 7};
  const GpuPlan plan(device, settings, GpuRows(shape.features), 1);
  const GpuMemory memory =
      CountGpuMemory(shape, {.features = shape.features, .is_handed_over = true}, settings.stretch);
  EXPECT_EQ(device.AllocatedBytes() + kCudaWorkspaceBytes, memory.Bytes(3));
  EXPECT_EQ(StretchFor(shape, false), kMostStretch);
  ModelShape large = shape;
  large.features = std::size_t{1} << 20U;
  EXPECT_EQ(StretchFor(large, true), 1U);
}

TEST(GpuTraining, LeavesTimeBetweenItsCheckpointsAsDozensShareADisk) {
  EXPECT_EQ(ConfigOf().checkpoint.min_interval_s, 2.0);
  EXPECT_EQ(ConfigOf(R"({"checkpoint": {"min_interval_s": 0}})").checkpoint.min_interval_s, 0.0);
  EXPECT_EQ(ConfigOf(R"({"device": "cpu"})").checkpoint.min_interval_s, 0.0);
}

void ExpectRefused(const std::string& changes, const std::string& key) {
  try {
    (void)ConfigOf(changes);
    FAIL() << changes << " was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.Where(), key) << error.what();
  }
}

TEST(GpuTraining, RefusesInTheConfigurationWhatNoGpuTrains) {
  ExpectRefused(R"({"device": "cpu", "precision": "tf32"})", "precision");
  ExpectRefused(R"({"threads": 2})", "threads");
  EXPECT_TRUE(ConfigOf(R"({"precision": "tf32"})").has_tf32);
  EXPECT_FALSE(ConfigOf(R"({"precision": "fp32"})").has_tf32);
}

}  // namespace gpu_training_test
}  // namespace ddl
