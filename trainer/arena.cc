// SPDX-License-Identifier: Apache-2.0
#include "trainer/arena.h"

#include <cassert>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"

namespace ddl {

namespace {

constexpr std::size_t kLine = kFloatsPerLine * sizeof(float);

float* AllocateZeroed(std::size_t lanes, std::size_t lane_floats) {
  constexpr std::size_t kMost = std::numeric_limits<std::ptrdiff_t>::max() / sizeof(float);
  const bool fits = lane_floats == 0 || lanes <= kMost / lane_floats;
  const std::size_t bytes = fits ? lanes * lane_floats * sizeof(float) : 0;
  void* block = fits ? std::aligned_alloc(kLine, bytes) : nullptr;
  if (block == nullptr) {
    throw Error(fmt::format("no memory for an arena of {} lanes of {} floats", lanes, lane_floats),
                "", "make the model or batch_size smaller", ErrorKind::kInfrastructure);
  }
  std::memset(block, 0, bytes);
  return static_cast<float*>(block);
}

}  // namespace

Tensor LaneLayout::Add(std::string name, std::size_t rows, std::size_t cols, bool is_bfloat16) {
  const Tensor tensor{.offset = floats_, .rows = rows, .cols = cols, .is_bfloat16 = is_bfloat16};
  floats_ += PaddedWidth(tensor.Floats());
  tensors_.push_back({std::move(name), tensor});
  return tensor;
}

void LaneLayout::Append(const LaneLayout& next) {
  assert(next.tensors_.empty() || next.tensors_.front().tensor.offset == floats_);
  tensors_.insert(tensors_.end(), next.tensors_.begin(), next.tensors_.end());
  floats_ = next.floats_;
}

void Arena::Free::operator()(float* block) const {
  std::free(block);
}

Arena::Arena(std::size_t lanes, std::size_t lane_floats)
    : lanes_(lanes), lane_floats_(lane_floats), floats_(AllocateZeroed(lanes, lane_floats)) {}

float* Arena::Lane(std::size_t lane) {
  assert(lane < lanes_);
  return floats_.get() + lane * lane_floats_;
}

const float* Arena::Lane(std::size_t lane) const {
  assert(lane < lanes_);
  return floats_.get() + lane * lane_floats_;
}

}  // namespace ddl
