// SPDX-License-Identifier: Apache-2.0
// What GPUs do while a training has them for itself, as the driver tells through NVML, which is
// loaded where it is there. Asks; changes nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ddl {

// Of all its GPUs together; what the driver does not tell of each is left out.
struct GpuUse {
  std::optional<double> joules = std::nullopt;     // since the meter began; a sum
  std::optional<double> clock_mhz = std::nullopt;  // of the multiprocessors, now; a mean
  std::optional<double> percent_busy =
      std::nullopt;  // of the driver's last sampling period; a mean
};

class GpuMeter {
 public:
  // Where the driver's library usually is: the loader finds it by its name.
  static constexpr const char* kNvml = "libnvidia-ml.so.1";

  // `uuids`: "GPU-5a3c…,GPU-9d1e…". Nothing: none are named, no such library, or one of them is
  // unknown to it. That is no fault: trainings do not need the figures.
  [[nodiscard]] static std::optional<GpuMeter> Begin(const std::string& uuids,
                                                     const char* library = kNvml);
  GpuMeter(GpuMeter&& other) noexcept;
  GpuMeter& operator=(GpuMeter&& other) noexcept;
  ~GpuMeter();

  [[nodiscard]] GpuUse Read() const;

 private:
  struct Nvml;
  explicit GpuMeter(std::unique_ptr<Nvml> nvml);

  std::unique_ptr<Nvml> nvml_;
  std::optional<std::uint64_t> begun_mj_;
};

// Of a GPU that trainings share: clock and use alone, as nobody knows whose the energy was. The
// driver, which takes a while to answer, is asked now and then.
class SharedGpuMeter {
 public:
  // Without a meter nothing is ever told.
  explicit SharedGpuMeter(std::optional<GpuMeter> meter) : meter_(std::move(meter)) {}

  [[nodiscard]] GpuUse Read();

 private:
  std::optional<GpuMeter> meter_;
  std::optional<std::chrono::steady_clock::time_point> asked_at_;
  GpuUse latest_;
};

// The metric line with what is known of the use: "gpu_joules", "gpu_clock_mhz", "gpu_percent_busy".
// `line` is a JSON object with a line feed, as trainer/metric_line.h makes it.
[[nodiscard]] std::string WithGpuUse(std::string line, const GpuUse& use);

}  // namespace ddl
