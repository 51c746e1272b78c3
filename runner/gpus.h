// SPDX-License-Identifier: Apache-2.0
// Which GPUs a host has, as nvidia-smi tells. No nvidia-smi is a normal case.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/messages.h"

namespace ddl {

struct GpuDiscovery {
  std::vector<GpuFacts> gpus;
  std::string note;  // why there are none, or what was odd; "" when all is well
};

// `gpus` is the CSV (noheader, nounits) of --query-gpu=index,uuid,name,memory.total,memory.used,
// pci.bus_id; `processes` that of --query-compute-apps=gpu_uuid,pid. Pure. GPUs come in PCI bus
// order, in which people count them; lines that cannot be read are noted.
// A process that `is_trial` says to be one of ddl does not make its GPU another's: leases tell who
// holds it, and go with it.
using IsTrial = std::function<bool(std::int64_t pid)>;
[[nodiscard]] GpuDiscovery ParseGpus(std::string_view gpus, std::string_view processes,
                                     const IsTrial& is_trial = nullptr);

// What GpuDiscovery says of a host that has no GPU, or no driver for any.
inline constexpr std::string_view kNoNvidiaSmi = "no nvidia-smi on this host";
// How a note begins that says nothing of GPUs: they may be told later.
inline constexpr std::string_view kNvidiaSmiIsLate = "nvidia-smi did not answer";

// Asks nvidia-smi, for that long at most.
[[nodiscard]] GpuDiscovery DiscoverGpus(
    std::chrono::milliseconds patience = std::chrono::seconds(10));

}  // namespace ddl
