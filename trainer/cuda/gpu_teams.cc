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
#include "trainer/cuda/interface.h"

namespace ddl {

namespace {

constexpr std::size_t kTeamsOfAShape = 2;
constexpr std::size_t kIdleKept = 2 * kTeamsOfAShape;
constexpr std::size_t kFirstLanes = 8;  // more come once these have shown that they gain
constexpr std::chrono::milliseconds kLookForMemory{100};  // for memory that others may give back

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

// Trainings that are in a team, or about to be.
std::size_t Holders(const std::shared_ptr<GpuTeam>& team) {
  return static_cast<std::size_t>(std::max(team.use_count() - 1, 0L));
}

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
  while (std::shared_ptr<GpuTeam> team = FindOrMake(key, resident.data, caller)) {
    auto seat = team->Join(lane, resident.affine,
                           [&] { return caller.is_stop_asked() || IsBetterElsewhere(key, team); });
    if (seat == nullptr) continue;
    const Batches* handed_over = batches.resident ? nullptr : &batches.train;
    return std::make_unique<GpuEngine>(std::move(team), std::move(seat), handed_over,
                                       fmt::format("{}, {}", NameOf(config), source_->arithmetic));
  }
  return nullptr;
}

GpuUse GpuTeams::Use() {
  const GpuSource* const source = found_;
  if (source == nullptr || !source->use) return {};
  const std::lock_guard lock(use_mutex_);
  return source->use();
}

const GpuSource& GpuTeams::Source() {
  if (!source_) found_ = &source_.emplace(find_());
  return *source_;
}

// As many as one team takes to begin with would gain nothing of a second one.
std::size_t GpuTeams::MostLanesOfATeam() const {
  if (most_lanes_ <= kFirstLanes) return most_lanes_;
  return (most_lanes_ + kTeamsOfAShape - 1) / kTeamsOfAShape;
}

std::shared_ptr<GpuTeam> GpuTeams::FindOrMake(const Key& key, const Dataset* data,
                                              const Caller& caller) {
  while (!caller.is_stop_asked()) {
    {
      const std::lock_guard lock(mutex_);
      Team* const known = BestOf(key);
      std::optional<Team> made;
      if (WantsAnother(key)) {
        (void)DropIdle(kIdleKept);  // not `known`, which is full of trainings
        made = TryMake(key, data, caller);
      }
      if (!made && known != nullptr) {
        known->used = ++joins_;
        return known->team;
      }
      if (!made && DropIdle(0)) made = TryMake(key, data, caller);
      if (made || !IsAnyBusy()) {
        teams_.push_back(made ? *made : Make(key, data, caller));
        return teams_.back().team;
      }
    }
    std::this_thread::sleep_for(kLookForMemory);
  }
  return nullptr;
}

// With a free lane where one has, and of these the emptiest. Null where there is none.
GpuTeams::Team* GpuTeams::BestOf(const Key& key) {
  const auto rank = [](const Team& team) {
    return std::pair(!team.team->HasFreeLane(), Holders(team.team));
  };
  Team* best = nullptr;
  for (Team& team : teams_) {
    if (team.key != key) continue;
    if (best == nullptr || rank(team) < rank(*best)) best = &team;
  }
  return best;
}

// So that who waits for a lane of `team` had better go there.
bool GpuTeams::IsBetterElsewhere(const Key& key, const std::shared_ptr<GpuTeam>& team) {
  const std::lock_guard lock(mutex_);
  const Team* best = BestOf(key);
  if (best == nullptr || best->team == team || team->HasFreeLane()) return false;
  return best->team->HasFreeLane() || Holders(best->team) + 1 < Holders(team);
}

// A first one, or a second one where the first is full of trainings.
bool GpuTeams::WantsAnother(const Key& key) const {
  std::size_t count = 0;
  for (const Team& team : teams_) {
    if (team.key != key) continue;
    if (Holders(team.team) < kFirstLanes) return false;
    ++count;
  }
  return count == 0 || (count < kTeamsOfAShape && most_lanes_ > kFirstLanes);
}

// Nothing where there is too little memory now.
std::optional<GpuTeams::Team> GpuTeams::TryMake(const Key& key, const Dataset* data,
                                                const Caller& caller) {
  try {
    return Make(key, data, caller);
  } catch (const GpuMemoryError&) {
    return std::nullopt;
  }
}

GpuTeams::Team GpuTeams::Make(const Key& key, const Dataset* dataset, const Caller& caller) {
  const auto begin = std::chrono::steady_clock::now();
  const bool is_handed_over = dataset == nullptr;
  std::shared_ptr<Data> data = is_handed_over ? NoData(key) : KnownData(*dataset);
  TeamSettings settings{.shape = key.shape,
                        .scale_floats = key.scale_floats,
                        .stretch = StretchFor(key.shape, is_handed_over),
                        .precision = key.precision,
                        .augmentation = key.augmentation,
                        .most_lanes = MostLanesOfATeam()};
  GpuDataShape rows = data == nullptr ? ShapeOf(DataFrom(*dataset)) : GpuDataShape{};
  rows.scale_floats = key.scale_floats;
  rows.is_handed_over = is_handed_over;
  GpuMemory memory = CountGpuMemory(key.shape, rows, settings.stretch);
  if (data == nullptr) memory.shared += kCudaWorkspaceBytes;  // of the data's own session
  settings.first_lanes =
      LanesThatFit(memory, std::clamp<std::size_t>(coming_, 1, kFirstLanes), Source().space());
  caller.notes(
      fmt::format("{}: {}", Source().name, DescribeGpuMemory(memory, settings.first_lanes)));
  if (data == nullptr) data = Load(*dataset);
  auto team = std::make_shared<GpuTeam>(Source(), settings, *data->rows);
  const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - begin;
  caller.notes(fmt::format("the GPU is ready after {:.0f} ms", spent.count()));
  return {.key = key, .data = std::move(data), .team = std::move(team), .used = ++joins_};
}

std::shared_ptr<GpuTeams::Data> GpuTeams::NoData(const Key& key) {
  auto data = std::make_shared<Data>();
  data->rows = std::make_unique<GpuRows>(key.shape.features);
  return data;
}

// Null where no team has it.
std::shared_ptr<GpuTeams::Data> GpuTeams::KnownData(const Dataset& dataset) const {
  for (const Team& team : teams_) {
    if (team.data->serial == dataset.serial) return team.data;
  }
  return nullptr;
}

std::shared_ptr<GpuTeams::Data> GpuTeams::Load(const Dataset& dataset) {
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
  const auto meter = std::make_shared<SharedGpuMeter>(GpuMeter::Begin(facts.uuid));
  return {.name = fmt::format("{} (compute capability {}.{}, {}, driver for CUDA {}.{})",
                              facts.name, facts.major, facts.minor, facts.uuid, facts.driver / 1000,
                              facts.driver % 1000 / 10),
          .arithmetic = fmt::format("{} (compute capability {}.{}, kernels {}, cuBLASLt {}.{}.{})",
                                    facts.name, facts.major, facts.minor, kCudaInterfaceVersion,
                                    facts.products / 10'000, facts.products / 100 % 100,
                                    facts.products % 100),
          .open = [library] { return library.Open(0); },
          .space =
              [library] {
                const CudaGpuFacts now = library.Device(0);
                return GpuSpace{.free_bytes = now.free_bytes, .total_bytes = now.total_bytes};
              },
          .use = [meter] { return meter->Read(); }};
}

}  // namespace ddl
