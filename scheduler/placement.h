// SPDX-License-Identifier: Apache-2.0
// What a host has, what is taken of it, and where a rank fits. Greedy best fit: a share goes where
// it leaves the smallest gap, whole devices are taken from those that nobody touches. A request is
// never made smaller; one that can never fit is refused with the reason.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "configs/spec.h"
#include "runner/messages.h"
#include "scheduler/placement_device.h"

namespace ddl {

// What one rank asks for: whole devices, and thousandths of one more.
struct Request {
  int cores = 0;
  int core_share = 0;
  int gpus = 0;
  int gpu_share = 0;
  std::int64_t memory_mib = 0;
  bool share_busy_gpus = false;
  std::int64_t above_gpu_mib = 0;  // of GPUs with more memory than that
  bool operator==(const Request&) const = default;
};

// cpus 2 is two whole cores, 1.5 one core and half of another. Shares are rounded up to
// thousandths.
[[nodiscard]] Request RequestOf(const SweepSpec& spec);
// "2 cores", "0.25 GPUs with more than 40960 MiB", "4096 MiB", joined by " and ".
[[nodiscard]] std::string DescribeRequest(const Request& request);

enum class Scarce : std::uint8_t { kNothing, kCores, kGpus, kMemory };

class HostSlots {
 public:
  // What the host is said to have now. Slots that ranks hold stay theirs.
  void Update(const HostFacts& facts);

  [[nodiscard]] std::optional<Slots> Fit(const Request& request) const;
  // What is missing at the moment for a rank more.
  [[nodiscard]] Scarce Lacking(const Request& request) const;
  // Why the request does not even fit an idle host ("has 2 cores, not 4"), or "".
  [[nodiscard]] std::string NeverFits(const Request& request) const;
  // Ranks of this request that an idle host takes at once.
  [[nodiscard]] std::int64_t Capacity(const Request& request) const;

  void Take(const Slots& slots);
  void Free(const Slots& slots);

  void MarkForeign(const SlotBusy& busy, std::chrono::nanoseconds now);
  // A rank of ours has started on these slots.
  void ForgetForeign(const Slots& slots);
  // True when a refused range may be tried again.
  bool Retry(std::chrono::nanoseconds now);
  // Somebody else who holds a device here, or "".
  [[nodiscard]] std::string ForeignHolder(Scarce scarce) const;

  [[nodiscard]] int WhollyFreeCores() const;
  [[nodiscard]] int Cores() const;
  [[nodiscard]] int Gpus() const;
  [[nodiscard]] std::int64_t MemoryMib() const { return memory_mib_; }
  [[nodiscard]] std::int64_t FreeMemoryMib() const { return memory_mib_ - memory_taken_mib_; }

 private:
  struct Device {
    std::string uuid{};  // of a GPU
    int index = 0;
    bool is_present = false;
    bool used_by_others = false;
    std::int64_t memory_mib = 0;  // of a GPU
    PlacementDevice ranges{};
  };
  using Devices = std::vector<Device>;  // by index
  struct Chosen {
    const Device* device = nullptr;
    int first = 0;
    int length = kWholeDevice;
  };

  [[nodiscard]] static std::optional<std::vector<Chosen>> Choose(
      const std::vector<const Device*>& usable, int whole, int share);
  [[nodiscard]] static std::vector<const Device*> Usable(const Devices& devices, bool busy_too);
  [[nodiscard]] std::vector<const Device*> UsableGpus(const Request& request) const;
  [[nodiscard]] static int Present(const Devices& devices);
  [[nodiscard]] int PresentGpus(const Request& request) const;
  [[nodiscard]] Device& Core(int index);
  [[nodiscard]] Device& Gpu(const std::string& uuid, int index);
  [[nodiscard]] bool MemoryFits(std::int64_t memory_mib) const;

  Devices cores_;
  Devices gpus_;
  std::int64_t memory_mib_ = 0;
  std::int64_t memory_taken_mib_ = 0;
};

}  // namespace ddl
