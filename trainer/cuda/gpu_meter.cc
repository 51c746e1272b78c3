// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/gpu_meter.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <dlfcn.h>
#include <fmt/format.h>

#include "configs/gpu_metrics.h"

namespace ddl {

namespace {

// NVML's stable interface, as its manual gives it.
constexpr int kNvmlDone = 0;
constexpr int kNvmlClockOfProcessors = 1;
using NvmlDevice = void*;
using NvmlInit = int (*)();
using NvmlDeviceByUuid = int (*)(const char* uuid, NvmlDevice* device);
using NvmlEnergy = int (*)(NvmlDevice, unsigned long long* millijoules);
using NvmlClock = int (*)(NvmlDevice, int which, unsigned* mhz);

template <class Call>
Call Find(void* library, const char* name) {
  return reinterpret_cast<Call>(::dlsym(library, name));
}

std::vector<std::string> SplitUuids(const std::string& uuids) {
  std::vector<std::string> list;
  for (std::size_t at = 0; at < uuids.size();) {
    const std::size_t end = std::min(uuids.find(',', at), uuids.size());
    if (end > at) list.push_back(uuids.substr(at, end - at));
    at = end + 1;
  }
  return list;
}

}  // namespace

// The library stays loaded until the process ends, as the driver's own tools leave it.
struct GpuMeter::Nvml {
  struct Utilization {
    unsigned gpu = 0;     // percent of the time with a kernel running
    unsigned memory = 0;  // with reads or writes
  };
  using Use = int (*)(NvmlDevice, Utilization* use);

  NvmlEnergy energy = nullptr;
  NvmlClock clock = nullptr;
  Use use = nullptr;
  std::vector<NvmlDevice> devices;

  // What each device tells, added up. Nothing: one of them does not tell.
  template <class Ask>
  [[nodiscard]] std::optional<std::uint64_t> Sum(const Ask& ask) const {
    std::uint64_t sum = 0;
    for (NvmlDevice device : devices) {
      const std::optional<std::uint64_t> value = ask(device);
      if (!value) return std::nullopt;
      sum += *value;
    }
    return sum;
  }
  [[nodiscard]] std::optional<std::uint64_t> Millijoules() const {
    return Sum([this](NvmlDevice device) -> std::optional<std::uint64_t> {
      unsigned long long value = 0;
      if (energy == nullptr || energy(device, &value) != kNvmlDone) return std::nullopt;
      return value;
    });
  }
  [[nodiscard]] std::optional<std::uint64_t> Megahertz() const {
    return Sum([this](NvmlDevice device) -> std::optional<std::uint64_t> {
      unsigned value = 0;
      if (clock == nullptr || clock(device, kNvmlClockOfProcessors, &value) != kNvmlDone) {
        return std::nullopt;
      }
      return value;
    });
  }
  [[nodiscard]] std::optional<std::uint64_t> PercentBusy() const {
    return Sum([this](NvmlDevice device) -> std::optional<std::uint64_t> {
      Nvml::Utilization value;
      if (use == nullptr || use(device, &value) != kNvmlDone) return std::nullopt;
      return value.gpu;
    });
  }
};

GpuMeter::GpuMeter(std::unique_ptr<Nvml> nvml)
    : nvml_(std::move(nvml)), begun_mj_(nvml_->Millijoules()) {}
GpuMeter::GpuMeter(GpuMeter&&) noexcept = default;
GpuMeter& GpuMeter::operator=(GpuMeter&&) noexcept = default;
GpuMeter::~GpuMeter() = default;

std::optional<GpuMeter> GpuMeter::Begin(const std::string& uuids, const char* library) {
  const std::vector<std::string> named = SplitUuids(uuids);
  if (named.empty()) return std::nullopt;
  void* loaded = ::dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (loaded == nullptr) return std::nullopt;
  const auto init = Find<NvmlInit>(loaded, "nvmlInit_v2");
  const auto by_uuid = Find<NvmlDeviceByUuid>(loaded, "nvmlDeviceGetHandleByUUID");
  if (init == nullptr || by_uuid == nullptr || init() != kNvmlDone) return std::nullopt;
  auto nvml = std::make_unique<Nvml>();
  nvml->energy = Find<NvmlEnergy>(loaded, "nvmlDeviceGetTotalEnergyConsumption");
  nvml->clock = Find<NvmlClock>(loaded, "nvmlDeviceGetClockInfo");
  nvml->use = Find<Nvml::Use>(loaded, "nvmlDeviceGetUtilizationRates");
  for (const std::string& uuid : named) {
    NvmlDevice device = nullptr;
    if (by_uuid(uuid.c_str(), &device) != kNvmlDone) return std::nullopt;
    nvml->devices.push_back(device);
  }
  return GpuMeter(std::move(nvml));
}

GpuUse GpuMeter::Read() const {
  GpuUse use;
  const auto count = static_cast<double>(nvml_->devices.size());
  const std::optional<std::uint64_t> energy = nvml_->Millijoules();
  // The counter begins anew with the driver.
  if (energy && begun_mj_ && *energy >= *begun_mj_) {
    use.joules = static_cast<double>(*energy - *begun_mj_) / 1000;
  }
  if (const auto mhz = nvml_->Megahertz()) use.clock_mhz = static_cast<double>(*mhz) / count;
  if (const auto busy = nvml_->PercentBusy()) use.percent_busy = static_cast<double>(*busy) / count;
  return use;
}

GpuUse SharedGpuMeter::Read() {
  constexpr std::chrono::milliseconds kStale{250};
  const auto now = std::chrono::steady_clock::now();
  if (meter_ && (!asked_at_ || now - *asked_at_ >= kStale)) {
    latest_ = meter_->Read();
    latest_.joules.reset();
    asked_at_ = now;
  }
  return latest_;
}

std::string WithGpuUse(std::string line, const GpuUse& use) {
  std::string told;
  const auto tell = [&told](std::string_view name, const std::optional<double>& value) {
    if (value) told += fmt::format(", \"{}\": {}", name, *value);
  };
  tell(kGpuJoules, use.joules);
  tell(kGpuClockMhz, use.clock_mhz);
  tell(kGpuPercentBusy, use.percent_busy);
  const std::size_t end = line.rfind('}');
  if (end != std::string::npos) line.insert(end, told);
  return line;
}

}  // namespace ddl
