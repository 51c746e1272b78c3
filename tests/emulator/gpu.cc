// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/gpu.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

namespace ddl::emulator {

namespace {

constexpr std::size_t kMemoryBytes = std::size_t{8} << 30U;

}  // namespace

Gpu::Gpu() : memory(kMemoryBytes), report_(std::getenv("DDL_EMULATOR_REPORT")) {}

Gpu::~Gpu() {
  if (report_ != nullptr) WriteReport(report_, totals_);
}

Gpu& Gpu::Get() {
  static Gpu gpu;
  return gpu;
}

const Module& Gpu::Load(std::string_view ptx) {
  modules_.push_back(std::make_unique<Module>(ReadPtx(ptx)));
  for (const auto& [name, global] : modules_.back()->globals) {
    memory.Add(global.memory.get(), global.bytes);
  }
  return *modules_.back();
}

cudaError_t Gpu::Enqueue(cudaStream_t stream, Work work) {
  auto& own = *reinterpret_cast<Stream*>(stream);
  if (own.captured == nullptr) return Say(work());
  own.captured->works.push_back(std::move(work));
  return cudaSuccess;
}

cudaError_t Gpu::Run(const Launch& launch) {
  if (fault_ != cudaSuccess) return fault_;
  try {
    const Counts counts = RunLaunch(launch, memory, stretch_);
    KernelTotal& total = totals_[BodyOf(launch.kernel->name)];
    total.module = launch.module;
    total.kernel = launch.kernel;
    ++total.launches;
    total.counts.Add(counts);
    return cudaSuccess;
  } catch (const DeviceFault& fault) {
    return Fault(cudaErrorLaunchFailure, fault.what());
  }
}

cudaError_t Gpu::Fault(cudaError_t code, const std::string& text) {
  (void)std::fprintf(stderr, "emulated GPU: %s\n", text.c_str());
  fault_ = code;
  return Say(code);
}

cudaError_t Gpu::Say(cudaError_t code) {
  if (code != cudaSuccess) last_ = code;
  return code;
}

cudaError_t Gpu::TakeError() {
  if (fault_ != cudaSuccess) return fault_;
  return std::exchange(last_, cudaSuccess);
}

}  // namespace ddl::emulator
