// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/gpu_memory.h"

#include <algorithm>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/cuda/gpu_device.h"
#include "trainer/cuda/gpu_program.h"
#include "trainer/cuda/interface.h"

namespace ddl {

namespace {

constexpr double kMib = 1048576.0;
constexpr double kGib = 1024.0 * kMib;

std::size_t Usable(std::size_t free_bytes) {
  return free_bytes - std::min(free_bytes, std::max(free_bytes / 10, kLeastGpuHeadroom));
}

}  // namespace

GpuMemory CountGpuMemory(const ModelShape& shape, const GpuDataShape& data, std::size_t stretch) {
  const Model model = BuildModel(GpuShape(shape));
  const std::size_t rows = PassRows(shape);
  const std::size_t step = rows * sizeof(std::uint32_t) + sizeof(LaneStep) + sizeof(LaneScore);
  GpuMemory memory;
  memory.lane = ScratchBehind(model).end * sizeof(float) +
                LabelRows(model) * (sizeof(std::int32_t) + sizeof(RowWorth)) + stretch * step +
                2 * data.scale_floats * sizeof(float) +
                KeptSteps(model, stretch) * LogitFloats(model) * sizeof(float);
  if (shape.keeps_gradients) {  // to be clipped
    memory.lane += UpdateParts(model).size() * sizeof(double) + sizeof(float);
  }
  if (data.is_handed_over) {
    memory.lane += stretch * rows * (model.input.Stride() * sizeof(float) + sizeof(std::int32_t));
  }
  memory.shared =
      data.rows * (data.features * data.bytes_each + data.labels_each * sizeof(std::int32_t)) +
      UpdateParts(model).size() * sizeof(UpdatePart) + sizeof(std::uint32_t) + kCudaWorkspaceBytes;
  return memory;
}

std::size_t LanesThatFit(const GpuMemory& memory, std::size_t wanted, const GpuSpace& space) {
  const std::size_t usable = Usable(space.free_bytes);
  const std::size_t left = usable > memory.shared ? usable - memory.shared : 0;
  const std::size_t fit = left / memory.lane;
  if (fit > 0) return std::min(wanted, fit);
  const auto gib = [](std::size_t bytes) { return static_cast<double>(bytes) / kGib; };
  const std::size_t most = Usable(space.total_bytes);
  const bool is_too_small = most < memory.Bytes(1);
  const std::string there = is_too_small ? fmt::format("which has {:.2f} in all", gib(most))
                                         : fmt::format("and {:.2f} are free", gib(usable));
  throw GpuMemoryError(
      fmt::format(
          "one training needs {:.2f} GiB of the GPU's memory, {}: {:.2f} of its own, {:.2f} "
          "for data and what trainings share",
          gib(memory.Bytes(1)), there, gib(memory.lane), gib(memory.shared)),
      "",
      is_too_small ? "make the model or batch_size smaller, or leave data in their file with "
                     "shuffle: blocks"
                   : "end other programs on that GPU, or wait for them",
      ErrorKind::kInfrastructure);
}

std::size_t MoreLanesThatFit(const GpuMemory& memory, std::size_t free_bytes) {
  return Usable(free_bytes) / memory.lane;
}

std::string DescribeGpuMemory(const GpuMemory& memory, std::size_t lanes) {
  return fmt::format("{} lane{} of {:.1f} MiB and {:.1f} MiB for all: {:.2f} GiB", lanes,
                     lanes == 1 ? "" : "s", static_cast<double>(memory.lane) / kMib,
                     static_cast<double>(memory.shared) / kMib,
                     static_cast<double>(memory.Bytes(lanes)) / kGib);
}

}  // namespace ddl
