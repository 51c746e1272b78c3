// SPDX-License-Identifier: Apache-2.0
// All trainings of a process that run on its GPU: teams by shape and data, made when they are first
// asked for, and a second one of a shape that many train, each on a stream of its own: the host
// prepares the steps of one while those of the other run. A team that nobody is in stays for a
// while, as the next training may be of its shape.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "trainer/config.h"
#include "trainer/cuda/gpu_engine.h"
#include "trainer/cuda/gpu_team.h"
#include "trainer/engine.h"

namespace ddl {

// Any thread may call it.
class GpuTeams {
 public:
  // `find` is called once, when a GPU is first asked for, and may throw Error. Teams of a shape
  // have `most_lanes` at most, together.
  GpuTeams(std::function<GpuSource()> find, std::size_t most_lanes);

  struct Caller {
    std::function<bool()> is_stop_asked;
    std::function<void(const std::string& text)> notes;
  };
  // A lane for a training, of data that `batches` name as resident or hand over batch by batch;
  // they outlive it. Memory is noted before any of it is taken. Waits for it while other trainings
  // of this process hold it; null: told to stop meanwhile. Throws Error where there is no GPU or
  // none with enough memory.
  [[nodiscard]] std::unique_ptr<Engine> Join(const TrainerConfig& config, const ModelShape& shape,
                                             const LaneSettings& lane,
                                             const TrainingBatches& batches, const Caller& caller);
  // Of the GPU that they share: nothing before one was asked for, and no energy. Waits for no team
  // that is being made.
  [[nodiscard]] GpuUse Use();

 private:
  struct Data {
    std::uint64_t serial = 0;  // of the data set
    std::unique_ptr<GpuDevice> device;
    std::unique_ptr<GpuRows> rows;
  };
  // What trainings of a team have in common, beside the data.
  struct Key {
    ModelShape shape;
    ProductPrecision precision = ProductPrecision::kFloat32;
    std::size_t scale_floats = 1;
    Augmentation augmentation;  // each lane draws by its own seed
    std::uint64_t serial = 0;   // of the data set; 0: rows are handed over
    bool operator==(const Key&) const = default;
  };
  struct Team {
    Key key;
    std::shared_ptr<Data> data;  // outlives the team
    std::shared_ptr<GpuTeam> team;
    std::uint64_t used = 0;  // the order of joins
  };
  [[nodiscard]] const GpuSource& Source();
  [[nodiscard]] std::size_t MostLanesOfATeam() const;
  [[nodiscard]] std::shared_ptr<GpuTeam> FindOrMake(const Key& key, const Dataset* data,
                                                    const Caller& caller);
  [[nodiscard]] Team* BestOf(const Key& key);
  [[nodiscard]] bool IsBetterElsewhere(const Key& key, const std::shared_ptr<GpuTeam>& team);
  [[nodiscard]] bool WantsAnother(const Key& key) const;
  [[nodiscard]] std::optional<Team> TryMake(const Key& key, const Dataset* data,
                                            const Caller& caller);
  [[nodiscard]] Team Make(const Key& key, const Dataset* data, const Caller& caller);
  [[nodiscard]] static std::shared_ptr<Data> NoData(const Key& key);
  [[nodiscard]] std::shared_ptr<Data> KnownData(const Dataset& dataset) const;
  [[nodiscard]] std::shared_ptr<Data> Load(const Dataset& dataset);
  bool DropIdle(std::size_t kept);
  [[nodiscard]] bool IsAnyBusy() const;

  std::function<GpuSource()> find_;
  std::size_t most_lanes_;
  std::mutex mutex_;  // of all that is below, but what is asked of the GPU's use
  std::optional<GpuSource> source_;
  std::atomic<const GpuSource*> found_ = nullptr;  // it, once it is there
  std::mutex use_mutex_;
  std::list<Team> teams_;
  std::uint64_t joins_ = 0;
  std::atomic<std::size_t> coming_ = 0;  // threads within Join
};

// The first GPU that CUDA_VISIBLE_DEVICES leaves, through libddl_cuda as it lies at `path`.
[[nodiscard]] GpuSource FindGpu(const std::filesystem::path& path);

}  // namespace ddl
