// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/gpu_teams.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/cuda/cuda_library.h"

namespace ddl {

namespace {

constexpr std::size_t kIdleKept = 2;
constexpr std::size_t kFirstLanes = 8;           // more come once these have shown that they gain
constexpr std::chrono::milliseconds kLook{100};  // for memory that others may give back

constexpr std::uint64_t kHandedOver = 0;  // no data set has it

// Counts a thread as long as it lives.
class Counted {
 public:
  explicit Counted(std::atomic<std::size_t>& count) : count_(count) { ++count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count_; }

 private:
  std::atomic<std::size_t>& count_;
};

std::string NameOf(const TrainerConfig& config) {
  if (config.precision == Precision::kBfloat16) return "bf16";
  return config.has_tf32 ? "tf32" : "float32";
}

}  // namespace

GpuTeams::GpuTeams(std::function<GpuSource()> find, std::size_t most_lanes)
    : find_(std::move(find)), most_lanes_(std::max<std::size_t>(most_lanes, 1)) {}

std::unique_ptr<Engine> GpuTeams::Join(const TrainerConfig& config, const ModelShape& shape,
                                       const LaneSettings& lane, const TrainingBatches& batches,
                                       const Caller& caller) {
  const Counted coming(coming_);
  // Rows that stay in their file are handed over as they are to be multiplied.
  const ResidentRows resident =
      batches.resident.value_or(ResidentRows{.affine = {.mean = {0.0F}, .scale = {1.0F}}});
  Key key{
      .shape = shape,
      .precision = config.has_tf32 ? ProductPrecision::kTensorFloat32 : ProductPrecision::kFloat32,
      .scale_floats = resident.affine.mean.size(),
      .augmentation = resident.augmentation,
      .serial = batches.resident ? resident.data->serial : kHandedOver};
  key.augmentation.seed = 0;
  const std::shared_ptr<GpuTeam> team = FindOrMake(key, resident.data, caller);
  if (team == nullptr) return nullptr;
  auto seat = team->Join(lane, resident.affine, caller.is_stop_asked);
  if (seat == nullptr) return nullptr;
  const Batches* handed_over = batches.resident ? nullptr : &batches.train;
  return std::make_unique<GpuEngine>(team, std::move(seat), handed_over,
                                     fmt::format("{}, {}", NameOf(config), source_->name));
}

const GpuSource& GpuTeams::Source() {
  if (!source_) source_ = find_();
  return *source_;
}

std::shared_ptr<GpuTeam> GpuTeams::FindOrMake(const Key& key, const Dataset* data,
                                              const Caller& caller) {
  while (!caller.is_stop_asked()) {
    {
      const std::lock_guard lock(mutex_);
      const auto known = std::ranges::find(teams_, key, &Team::key);
      if (known != teams_.end()) {
        known->used = ++joins_;
        return known->team;
      }
      const auto begin = std::chrono::steady_clock::now();
      (void)DropIdle(kIdleKept);
      std::optional<Team> made = TryMake(key, data);
      if (!made && DropIdle(0)) made = TryMake(key, data);
      if (made || !IsAnyBusy()) {
        teams_.push_back(made ? *made : Make(key, data));
        const std::chrono::duration<double, std::milli> spent =
            std::chrono::steady_clock::now() - begin;
        caller.notes(fmt::format("{}: {}; ready after {:.0f} ms", Source().name,
                                 teams_.back().team->DescribeMemory(), spent.count()));
        return teams_.back().team;
      }
    }
    std::this_thread::sleep_for(kLook);
  }
  return nullptr;
}

// Nothing where there is too little memory now.
std::optional<GpuTeams::Team> GpuTeams::TryMake(const Key& key, const Dataset* data) {
  try {
    return Make(key, data);
  } catch (const GpuMemoryError&) {
    return std::nullopt;
  }
}

GpuTeams::Team GpuTeams::Make(const Key& key, const Dataset* dataset) {
  const std::shared_ptr<Data> data = dataset == nullptr ? NoData(key) : DataOf(*dataset);
  const TeamSettings settings{.shape = key.shape,
                              .scale_floats = key.scale_floats,
                              .stretch = StretchFor(key.shape, data->rows->IsHandedOver()),
                              .precision = key.precision,
                              .augmentation = key.augmentation,
                              .first_lanes = std::min<std::size_t>(coming_, kFirstLanes),
                              .most_lanes = most_lanes_};
  return {.key = key,
          .data = data,
          .team = std::make_shared<GpuTeam>(Source(), settings, *data->rows),
          .used = ++joins_};
}

std::shared_ptr<GpuTeams::Data> GpuTeams::NoData(const Key& key) {
  auto data = std::make_shared<Data>();
  data->rows = std::make_unique<GpuRows>(key.shape.features);
  return data;
}

std::shared_ptr<GpuTeams::Data> GpuTeams::DataOf(const Dataset& dataset) {
  for (const Team& team : teams_) {
    if (team.data->serial == dataset.serial) return team.data;
  }
  auto data = std::make_shared<Data>();
  data->serial = dataset.serial;
  data->device = Source().open();
  data->rows = std::make_unique<GpuRows>(*data->device, DataFrom(dataset));
  return data;
}

// All but the latest `kept` of those that nobody is in; true where there were more.
bool GpuTeams::DropIdle(std::size_t kept) {
  std::vector<std::list<Team>::iterator> idle;
  for (auto team = teams_.begin(); team != teams_.end(); ++team) {
    if (team->team.use_count() == 1) idle.push_back(team);
  }
  std::ranges::sort(idle, std::ranges::greater{}, [](const auto& team) { return team->used; });
  for (std::size_t i = kept; i < idle.size(); ++i) {
    teams_.erase(idle[i]);
  }
  return idle.size() > kept;
}

bool GpuTeams::IsAnyBusy() const {
  return std::ranges::any_of(teams_, [](const Team& team) { return team.team.use_count() > 1; });
}

GpuSource FindGpu(const std::filesystem::path& path) {
  const CudaLibrary library(path);
  const CudaGpuFacts facts = library.Device(0);
  return {.name = fmt::format("{} (compute capability {}.{}, {}, driver for CUDA {}.{})",
                              facts.name, facts.major, facts.minor, facts.uuid, facts.driver / 1000,
                              facts.driver % 1000 / 10),
          .open = [library] { return library.Open(0); },
          .free_bytes = [library] { return std::size_t{library.Device(0).free_bytes}; }};
}

}  // namespace ddl
