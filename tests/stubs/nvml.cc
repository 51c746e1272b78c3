// SPDX-License-Identifier: Apache-2.0
// Stands for the driver's NVML: two GPUs, of which each question for energy takes 2.5 joules.
// GPU-old has no counter of energy, GPU-lost is not there, any other name is the new one's.
#include <cstring>

namespace {
int new_gpu = 0;
int old_gpu = 0;
unsigned long long spent_mj = 100'000;
constexpr int kNotFound = 6;
constexpr int kNotSupported = 3;
}  // namespace

extern "C" {
struct StubUtilization {
  unsigned gpu;
  unsigned memory;
};
int nvmlInit_v2() {
  return 0;
}
int nvmlDeviceGetHandleByUUID(const char* uuid, void** device) {
  if (std::strcmp(uuid, "GPU-lost") == 0) return kNotFound;
  *device = std::strcmp(uuid, "GPU-old") == 0 ? &old_gpu : &new_gpu;
  return 0;
}
int nvmlDeviceGetTotalEnergyConsumption(void* device, unsigned long long* millijoules) {
  if (device != &new_gpu) return kNotSupported;
  *millijoules = spent_mj;
  spent_mj += 2500;
  return 0;
}
int nvmlDeviceGetClockInfo(void* device, int which, unsigned* mhz) {
  if (which != 1) return kNotSupported;
  *mhz = device == &new_gpu ? 1980 : 1000;
  return 0;
}
int nvmlDeviceGetUtilizationRates(void* device, StubUtilization* use) {
  *use = {device == &new_gpu ? 87U : 12U, 5U};
  return 0;
}
}
