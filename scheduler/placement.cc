// SPDX-License-Identifier: Apache-2.0
#include "scheduler/placement.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "configs/json.h"

namespace ddl {

namespace {

struct Split {
  int whole = 0;
  int share = 0;
};

Split SplitAmount(double amount) {
  // A tolerance of a millionth: 0.05 is 50 thousandths, not 50.000000000000003 rounded up.
  const double thousandths = std::ceil(amount * kWholeDevice - 1e-6);
  const int total = static_cast<int>(std::max(0.0, thousandths));
  return {total / kWholeDevice, total % kWholeDevice};
}

std::string Amount(int whole, int share, std::string_view unit) {
  const double amount = whole + share / static_cast<double>(kWholeDevice);
  return fmt::format("{} {}{}", FormatNumber(amount), unit, amount == 1.0 ? "" : "s");
}

std::int64_t Times(int devices, int whole, int share) {
  if (whole == 0 && share == 0) return std::numeric_limits<std::int64_t>::max();
  if (share == 0) return devices / whole;
  // Shares pack into devices of their own; whole ones come from the rest.
  const int per_device = kWholeDevice / share;
  std::int64_t ranks = 0;
  while (whole * (ranks + 1) + (ranks + per_device) / per_device <= devices) {
    ++ranks;
  }
  return ranks;
}

}  // namespace

Request RequestOf(const SweepSpec& spec) {
  const Split cores = SplitAmount(spec.resources.cpus);
  const Split gpus = SplitAmount(spec.resources.gpus);
  return {.cores = cores.whole,
          .core_share = cores.share,
          .gpus = gpus.whole,
          .gpu_share = gpus.share,
          .memory_mib = spec.resources.memory_mib,
          .share_busy_gpus = spec.share_busy_gpus};
}

std::string DescribeRequest(const Request& request) {
  std::string text;
  const auto add = [&text](const std::string& part) {
    text += (text.empty() ? "" : " and ") + part;
  };
  if (request.cores + request.core_share > 0) {
    add(Amount(request.cores, request.core_share, "core"));
  }
  if (request.gpus + request.gpu_share > 0) {
    const std::string above = request.above_gpu_mib > 0
                                  ? fmt::format(" with more than {} MiB", request.above_gpu_mib)
                                  : std::string();
    add(Amount(request.gpus, request.gpu_share, "GPU") + above);
  }
  if (request.memory_mib > 0) add(fmt::format("{} MiB", request.memory_mib));
  return text.empty() ? "nothing" : text;
}

void HostSlots::Update(const HostFacts& facts) {
  for (Device& core : cores_) {
    core.is_present = false;
  }
  for (Device& gpu : gpus_) {
    gpu.is_present = false;
  }
  for (const int core : facts.cores) {
    Core(core).is_present = true;
  }
  for (const GpuFacts& gpu : facts.gpus) {
    Device& device = Gpu(gpu.uuid, gpu.index);
    device.is_present = true;
    device.memory_mib = gpu.memory_mib;
    // Our own ranks show up as users too; only an idle GPU can be judged.
    device.used_by_others = gpu.used_by_others && !device.ranges.IsTaken();
  }
  memory_mib_ = facts.memory_mib;
}

std::optional<Slots> HostSlots::Fit(const Request& request) const {
  if (!MemoryFits(request.memory_mib)) return std::nullopt;
  const auto cores = Choose(Usable(cores_, true), request.cores, request.core_share);
  if (!cores) return std::nullopt;
  const auto gpus = Choose(UsableGpus(request), request.gpus, request.gpu_share);
  if (!gpus) return std::nullopt;
  Slots slots;
  slots.memory_mib = request.memory_mib;
  for (const Chosen& core : *cores) {
    slots.cores.push_back({core.device->index, core.first, core.length});
  }
  for (const Chosen& gpu : *gpus) {
    slots.gpus.push_back({gpu.device->uuid, gpu.device->index, gpu.first, gpu.length});
  }
  return slots;
}

Scarce HostSlots::Lacking(const Request& request) const {
  if (!Choose(UsableGpus(request), request.gpus, request.gpu_share)) {
    return Scarce::kGpus;
  }
  if (!Choose(Usable(cores_, true), request.cores, request.core_share)) return Scarce::kCores;
  return MemoryFits(request.memory_mib) ? Scarce::kNothing : Scarce::kMemory;
}

std::string HostSlots::NeverFits(const Request& request) const {
  const auto lacks = [](int have, int whole, int share, std::string_view unit) {
    return have < whole + (share > 0 ? 1 : 0)
               ? fmt::format("has {} {}{}, not {}", have, unit, have == 1 ? "" : "s",
                             FormatNumber(whole + share / static_cast<double>(kWholeDevice)))
               : std::string();
  };
  if (auto text = lacks(Present(cores_), request.cores, request.core_share, "core");
      !text.empty()) {
    return text;
  }
  if (auto text = lacks(PresentGpus(request), request.gpus, request.gpu_share, "GPU");
      !text.empty()) {
    return text;
  }
  if (request.memory_mib > memory_mib_) {
    return fmt::format("has {} MiB of memory, not {}", memory_mib_, request.memory_mib);
  }
  return {};
}

std::int64_t HostSlots::Capacity(const Request& request) const {
  std::int64_t ranks = std::min(Times(Present(cores_), request.cores, request.core_share),
                                Times(Present(gpus_), request.gpus, request.gpu_share));
  if (request.memory_mib > 0) ranks = std::min(ranks, memory_mib_ / request.memory_mib);
  return ranks;
}

void HostSlots::Take(const Slots& slots) {
  for (const CoreShare& core : slots.cores) {
    Core(core.core).ranges.Take(core.first, core.length);
  }
  for (const GpuShare& gpu : slots.gpus) {
    Gpu(gpu.uuid, gpu.index).ranges.Take(gpu.first, gpu.length);
  }
  memory_taken_mib_ += slots.memory_mib;
}

void HostSlots::Free(const Slots& slots) {
  for (const CoreShare& core : slots.cores) {
    Core(core.core).ranges.Free(core.first, core.length);
  }
  for (const GpuShare& gpu : slots.gpus) {
    Gpu(gpu.uuid, gpu.index).ranges.Free(gpu.first, gpu.length);
  }
  memory_taken_mib_ -= slots.memory_mib;
  assert(memory_taken_mib_ >= 0);
}

void HostSlots::MarkForeign(const SlotBusy& busy, std::chrono::nanoseconds now) {
  for (const CoreShare& core : busy.cores) {
    Core(core.core).ranges.MarkForeign(core.first, core.length, busy.holder, now);
  }
  for (const GpuShare& gpu : busy.gpus) {
    Gpu(gpu.uuid, gpu.index).ranges.MarkForeign(gpu.first, gpu.length, busy.holder, now);
  }
}

void HostSlots::ForgetForeign(const Slots& slots) {
  for (const CoreShare& core : slots.cores) {
    Core(core.core).ranges.ForgetForeign(core.first, core.length);
  }
  for (const GpuShare& gpu : slots.gpus) {
    Gpu(gpu.uuid, gpu.index).ranges.ForgetForeign(gpu.first, gpu.length);
  }
}

bool HostSlots::Retry(std::chrono::nanoseconds now) {
  bool due = false;
  for (Device& core : cores_) {
    due |= core.ranges.Retry(now);
  }
  for (Device& gpu : gpus_) {
    due |= gpu.ranges.Retry(now);
  }
  return due;
}

std::string HostSlots::ForeignHolder(Scarce scarce) const {
  if (scarce == Scarce::kNothing || scarce == Scarce::kMemory) return {};
  for (const Device& device : scarce == Scarce::kGpus ? gpus_ : cores_) {
    if (auto holder = device.ranges.ForeignHolder(); !holder.empty()) return holder;
    if (device.is_present && device.used_by_others) {
      return fmt::format("gpu {}: a process outside ddl", device.index);
    }
  }
  return {};
}

int HostSlots::WhollyFreeCores() const {
  return static_cast<int>(std::ranges::count_if(
      cores_, [](const Device& core) { return core.is_present && core.ranges.IsWhollyFree(); }));
}

int HostSlots::Cores() const {
  return Present(cores_);
}

int HostSlots::Gpus() const {
  return Present(gpus_);
}

std::optional<std::vector<HostSlots::Chosen>> HostSlots::Choose(
    const std::vector<const Device*>& usable, int whole, int share) {
  std::vector<Chosen> chosen;
  Chosen best;
  int best_room = kWholeDevice + 1;
  for (const Device* device : usable) {
    if (std::ssize(chosen) < whole && device->ranges.IsWhollyFree()) {
      chosen.push_back({device});
      continue;
    }
    if (share == 0) continue;
    const auto gap = device->ranges.BestGap(share);
    if (!gap || gap->room >= best_room) continue;
    best_room = gap->room;
    best = {device, gap->first, share};
  }
  if (std::ssize(chosen) < whole) return std::nullopt;
  if (share == 0) return chosen;
  if (best.device == nullptr) return std::nullopt;
  chosen.push_back(best);
  return chosen;
}

std::vector<const HostSlots::Device*> HostSlots::Usable(const Devices& devices, bool busy_too) {
  std::vector<const Device*> usable;
  for (const Device& device : devices) {
    if (device.is_present && (busy_too || !device.used_by_others)) usable.push_back(&device);
  }
  return usable;
}

std::vector<const HostSlots::Device*> HostSlots::UsableGpus(const Request& request) const {
  auto usable = Usable(gpus_, request.share_busy_gpus);
  if (request.above_gpu_mib > 0) {
    std::erase_if(usable,
                  [&](const Device* gpu) { return gpu->memory_mib <= request.above_gpu_mib; });
  }
  return usable;
}

int HostSlots::Present(const Devices& devices) {
  return static_cast<int>(std::ranges::count_if(devices, &Device::is_present));
}

int HostSlots::PresentGpus(const Request& request) const {
  return static_cast<int>(std::ranges::count_if(gpus_, [&](const Device& gpu) {
    return gpu.is_present && (request.above_gpu_mib == 0 || gpu.memory_mib > request.above_gpu_mib);
  }));
}

HostSlots::Device& HostSlots::Core(int index) {
  const auto place = std::ranges::lower_bound(cores_, index, {}, &Device::index);
  if (place != cores_.end() && place->index == index) return *place;
  return *cores_.insert(place, Device{.index = index});
}

HostSlots::Device& HostSlots::Gpu(const std::string& uuid, int index) {
  const auto known = std::ranges::find(gpus_, uuid, &Device::uuid);
  if (known != gpus_.end()) return *known;
  const auto place = std::ranges::lower_bound(gpus_, index, {}, &Device::index);
  return *gpus_.insert(place, Device{.uuid = uuid, .index = index});
}

bool HostSlots::MemoryFits(std::int64_t memory_mib) const {
  return memory_mib == 0 || memory_taken_mib_ + memory_mib <= memory_mib_;
}

}  // namespace ddl
