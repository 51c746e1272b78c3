// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/gpu_team.h"

#include <algorithm>
#include <cassert>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "trainer/cuda/gpu_memory.h"

namespace ddl {

using std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds kLookForRoom{100};  // while all lanes are taken
constexpr std::chrono::milliseconds kLeastPatience{1};
constexpr std::chrono::milliseconds kMostPatience{250};
// Short enough that a stop is heard at once, long enough that what lies between two runs is little.
constexpr std::chrono::duration<double> kRun = std::chrono::milliseconds(60);
constexpr std::size_t kFirstStretch = 16;

GpuFault RefusedInTheMidst(const GpuMemoryError& refused) {
  return {fmt::format("memory was refused to trainings that had begun: {}", refused.Message()),
          refused.Where(), "other programs took it meanwhile: give them less, or free the GPU",
          ErrorKind::kInfrastructure};
}

}  // namespace

// What a member wants of the next run: its own thread's before and after, the run's meanwhile.
struct GpuTeam::Request {
  bool is_training = true;
  std::span<const LaneBatch> batches;
  std::vector<float>* outputs = nullptr;
  std::vector<BatchScore> scores = {};
  std::exception_ptr problem = {};
  bool is_done = false;
};

// Lanes, device and plan for this thread, which gives its lock back meanwhile.
class GpuTeam::Alone {
 public:
  Alone(GpuTeam& team, Lock& lock) : team_(team), lock_(lock) {
    team_.changed_.wait(lock_, [this] { return !team_.is_taken_; });
    team_.is_taken_ = true;
    lock_.unlock();
  }
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;
  ~Alone() {
    lock_.lock();
    team_.is_taken_ = false;
    team_.changed_.notify_all();
  }

 private:
  GpuTeam& team_;
  Lock& lock_;
};

std::size_t StretchFor(const ModelShape& shape, bool is_handed_over) {
  constexpr std::size_t kLaneBytes = std::size_t{8} << 20U;
  if (!is_handed_over) return kMostStretch;
  const std::size_t step = PassRows(shape) * PaddedWidth(shape.features) * sizeof(float);
  return std::clamp<std::size_t>(kLaneBytes / step, 1, kMostStretch);
}

std::size_t RunWidth(std::size_t occupied, std::size_t room) {
  std::size_t width = 1;
  std::size_t next = 2;
  while (width < occupied) {
    width = next;
    next = width % 3 == 0 ? width / 3 * 4 : (width < 4 ? width + 1 : width / 2 * 3);
  }
  return std::min(width, room);
}

bool TeamRates::MayGain(std::size_t room, double least_gain) const {
  if (least_gain <= 1.0) return true;
  const auto own = rates_.find(room);
  if (own == rates_.end()) return false;
  const auto smaller = rates_.lower_bound((room + 1) / 2);
  return smaller == own || own->second >= least_gain * smaller->second;
}

GpuTeam::GpuTeam(const GpuSource& source, const TeamSettings& settings, const GpuRows& rows)
    : source_(source),
      settings_(settings),
      rows_(rows),
      stretch_(std::min(kFirstStretch, settings.stretch)) {
  model_ = BuildModel(GpuShape(settings.shape));
  memory_ = CountGpuMemory(settings.shape,
                           {.rows = 0,
                            .features = rows.Features(),
                            .bytes_each = 1,
                            .scale_floats = settings.scale_floats,
                            .is_handed_over = rows.IsHandedOver()},
                           settings.stretch);
  const std::size_t wanted = std::clamp<std::size_t>(settings.first_lanes, 1,
                                                     std::max<std::size_t>(settings.most_lanes, 1));
  Open(LanesThatFit(memory_, wanted, source_.space()));
}

// Half as many for as often as the memory does not suffice, since others may have taken of it.
void GpuTeam::Open(std::size_t lanes) {
  GpuPlanSettings settings{.shape = settings_.shape,
                           .lanes = {},
                           .stretch = settings_.stretch,
                           .precision = settings_.precision,
                           .augmentation = settings_.augmentation};
  for (;; lanes = std::max(lanes / 2, Occupied())) {
    settings.lanes.assign(lanes, {});
    plan_.reset();
    device_.reset();
    try {
      device_ = source_.open();
      plan_ = std::make_unique<GpuPlan>(*device_, settings, rows_, settings_.scale_floats);
      lanes_.resize(lanes);
      open_lanes_ = lanes;
      return;
    } catch (const GpuMemoryError&) {
      if (lanes <= std::max<std::size_t>(Occupied(), 1)) throw;
    }
  }
}

// To twice the room, or to what the memory holds. The lanes wait on the host meanwhile, as the
// memory may not hold the old ones beside the new. False: there is no more.
bool GpuTeam::Grow() {
  const std::size_t before = lanes_.size();
  if (!rates_.MayGain(before, settings_.least_gain)) return false;
  const std::size_t more = MoreLanesThatFit(memory_, source_.space().free_bytes);
  const std::size_t wanted = std::min({2 * before, settings_.most_lanes, before + more});
  if (wanted <= before) return false;
  std::vector<GpuPlan::LaneCopy> copies;
  for (std::size_t lane = 0; lane < before; ++lane) {
    copies.push_back(Plan().Take(lane));
  }
  try {
    Open(wanted);
  } catch (const GpuMemoryError& refused) {
    throw RefusedInTheMidst(refused);
  }
  for (std::size_t lane = 0; lane < std::min(before, lanes_.size()); ++lane) {
    Plan().Put(lane, copies[lane]);
  }
  return lanes_.size() > before;
}

GpuPlan& GpuTeam::Plan() const {
  if (plan_ != nullptr) return *plan_;
  throw GpuFault("the lanes could not be put back on it", source_.name,
                 "other programs took its memory meanwhile: give them less, or free the GPU",
                 ErrorKind::kInfrastructure);
}

std::size_t GpuTeam::FreeLane() const {
  return static_cast<std::size_t>(std::ranges::find(lanes_, nullptr) - lanes_.begin());
}

// Lanes up to the last that is taken.
std::size_t GpuTeam::Occupied() const {
  std::size_t occupied = lanes_.size();
  while (occupied > 0 && lanes_[occupied - 1] == nullptr)
    --occupied;
  return occupied;
}

std::unique_ptr<GpuTeam::Seat> GpuTeam::Join(const LaneSettings& settings, const Affine& affine,
                                             const std::function<bool()>& is_stop_asked) {
  Lock lock(mutex_);
  while (!is_stop_asked()) {
    std::size_t lane = 0;
    bool has_lane = false;
    {
      const Alone alone(*this, lock);
      has_lane = FreeLane() < lanes_.size() || Grow();
      lane = FreeLane();
      if (has_lane) Plan().SetLane(lane, settings, affine);
    }
    if (has_lane) {
      auto seat = std::make_unique<Seat>(*this, lane);
      lanes_[lane] = seat.get();
      ++members_;
      return seat;
    }
    room_.wait_for(lock, kLookForRoom);
  }
  return nullptr;
}

void GpuTeam::Leave(Seat& seat) {
  Lock lock(mutex_);
  changed_.wait(lock, [this] { return !is_taken_; });
  lanes_[seat.lane_] = nullptr;
  --members_;
  changed_.notify_all();  // the others may have waited for this one alone
  room_.notify_one();
}

std::vector<BatchScore> GpuTeam::Submit(Seat& seat, Request& request) {
  Lock lock(mutex_);
  seat.request_ = &request;
  if (handed_over_++ == 0) waiting_since_ = steady_clock::now();
  while (!request.is_done) {
    const auto until = waiting_since_ + patience_;
    if (is_taken_) {
      changed_.wait(lock);
    } else if (handed_over_ == members_ || steady_clock::now() >= until) {
      Conduct(lock);
    } else {
      changed_.wait_until(lock, until);
    }
  }
  if (request.problem) std::rethrow_exception(request.problem);
  return std::move(request.scores);
}

// Runs all that was handed over. What fails, fails for each of them; what memory is refused to, of
// a graph or a loaded kernel, would be refused it again as long as others hold it.
void GpuTeam::Conduct(Lock& lock) {
  std::vector<Seat*> seats;
  for (Seat* seat : lanes_) {
    if (seat != nullptr && seat->request_ != nullptr) seats.push_back(seat);
  }
  handed_over_ = 0;
  const auto begin = steady_clock::now();
  std::exception_ptr problem;
  {
    const Alone alone(*this, lock);
    try {
      MoveTogether();
      Run(seats, true);
      Run(seats, false);
    } catch (const GpuMemoryError& refused) {
      problem = std::make_exception_ptr(RefusedInTheMidst(refused));
    } catch (...) {
      problem = std::current_exception();
    }
  }
  for (Seat* seat : seats) {
    Request& request = *std::exchange(seat->request_, nullptr);
    request.problem = problem;
    request.is_done = true;
  }
  room_.notify_one();  // whether the room may grow is known after a run
  // Who came late waits for those that have just been served: else the two would take turns.
  waiting_since_ = steady_clock::now();
  patience_ =
      std::clamp<std::chrono::nanoseconds>(waiting_since_ - begin, kLeastPatience, kMostPatience);
}

// Lanes that are computed for nobody cost as much as others.
void GpuTeam::MoveTogether() {
  if (RunWidth(members_, lanes_.size()) == RunWidth(Occupied(), lanes_.size())) return;
  while (FreeLane() < Occupied()) {
    const std::size_t from = Occupied() - 1;
    const std::size_t to = FreeLane();
    Plan().Put(to, Plan().Take(from));
    lanes_[from]->lane_ = to;
    lanes_[to] = std::exchange(lanes_[from], nullptr);
  }
}

void GpuTeam::Run(std::span<Seat* const> seats, bool is_training) {
  const std::size_t width = RunWidth(Occupied(), lanes_.size());
  const auto is_meant = [&](const Seat* seat) {
    return seat->request_->is_training == is_training;
  };
  std::size_t steps = 0;
  for (const Seat* seat : seats) {
    if (is_meant(seat)) steps = std::max(steps, seat->request_->batches.size());
  }
  if (steps == 0) return;
  std::vector<LaneBatch> batches(steps * width);
  for (const Seat* seat : seats) {
    if (!is_meant(seat)) continue;
    for (std::size_t step = 0; step < seat->request_->batches.size(); ++step) {
      batches[step * width + seat->lane_] = seat->request_->batches[step];
    }
  }
  const auto begin = steady_clock::now();
  is_training ? Plan().Train(batches, width) : Plan().Evaluate(batches, width);
  const std::vector<BatchScore> scores = Plan().Scores();
  if (is_training) {
    const auto used = [](const LaneBatch& batch) { return !batch.rows.empty(); };
    Measure(width, steps, static_cast<std::size_t>(std::ranges::count_if(batches, used)),
            steady_clock::now() - begin);
  }
  for (const Seat* seat : seats) {
    if (!is_meant(seat)) continue;
    Request& request = *seat->request_;
    for (std::size_t step = 0; step < request.batches.size(); ++step) {
      request.scores.push_back(scores[step * width + seat->lane_]);
    }
    if (request.outputs != nullptr) {
      *request.outputs = Plan().Outputs(seat->lane_, request.batches.size());
    }
  }
}

// Of a run in training. Says nothing of the room where a quarter of it stood still, or where the
// run began with the compilation of its width.
void GpuTeam::Measure(std::size_t width, std::size_t steps, std::size_t lane_steps,
                      std::chrono::duration<double> spent) {
  const double fit = kRun / spent * static_cast<double>(steps);
  stretch_ = static_cast<std::size_t>(std::clamp(fit, 1.0, static_cast<double>(settings_.stretch)));
  const bool is_compiled = std::exchange(latest_width_, width) == width;
  if (is_compiled && 4 * lane_steps >= 3 * steps * lanes_.size()) {
    rates_.Add(lanes_.size(), static_cast<double>(lane_steps) / spent.count());
  }
}

std::size_t GpuTeam::Room() {
  Lock lock(mutex_);
  const Alone alone(*this, lock);
  return lanes_.size();
}

std::size_t GpuTeam::Members() {
  const Lock lock(mutex_);
  return members_;
}

std::size_t GpuTeam::MemoryBytes() {
  return memory_.Bytes(Room());
}

std::string GpuTeam::DescribeMemory() {
  return DescribeGpuMemory(memory_, Room());
}

void GpuTeam::Seat::SetState(std::span<const float> state) {
  Lock lock(team_.mutex_);
  const Alone alone(team_, lock);
  team_.Plan().SetState(lane_, state);
}

std::vector<float> GpuTeam::Seat::State() {
  Lock lock(team_.mutex_);
  const Alone alone(team_, lock);
  return team_.Plan().State(lane_);
}

std::vector<BatchScore> GpuTeam::Seat::Train(std::span<const LaneBatch> batches) {
  Request request{.is_training = true, .batches = batches};
  return team_.Submit(*this, request);
}

std::vector<BatchScore> GpuTeam::Seat::Evaluate(std::span<const LaneBatch> batches,
                                                std::vector<float>* outputs) {
  assert(outputs == nullptr || batches.size() <= team_.KeptSteps());
  Request request{.is_training = false, .batches = batches, .outputs = outputs};
  return team_.Submit(*this, request);
}

}  // namespace ddl
