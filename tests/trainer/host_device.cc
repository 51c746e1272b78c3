// SPDX-License-Identifier: Apache-2.0
#include "tests/trainer/host_device.h"

#include <cassert>
#include <cstring>
#include <type_traits>

namespace ddl {

namespace {

template <class Body>
void RunBlock(const Body& body, ThreadPlace at, void* shared, ThreadOrder order) {
  const auto thread_of = [order](std::uint32_t i) {
    return order == ThreadOrder::kUp ? i : Body::kThreads - 1 - i;
  };
  if constexpr (HasState<Body>) {
    std::vector<typename Body::State> states(Body::kThreads);
    for (at.thread = 0; at.thread < Body::kThreads; ++at.thread) {
      StartState(body, at, states[at.thread]);
    }
    const std::uint32_t phases = body.Phases(at);
    for (std::uint32_t phase = 0; phase < phases; ++phase) {
      for (std::uint32_t i = 0; i < Body::kThreads; ++i) {
        at.thread = thread_of(i);
        body.Run(phase, at, shared, states[at.thread]);
      }
    }
  } else {
    for (std::uint32_t phase = 0; phase < Body::kPhases; ++phase) {
      for (std::uint32_t i = 0; i < Body::kThreads; ++i) {
        at.thread = thread_of(i);
        body.Run(phase, at, shared);
      }
    }
  }
}

template <class Body>
void RunBlocks(const Body& body, std::uint32_t lanes, ThreadOrder order) {
  struct alignas(16) Sixteen {
    unsigned char bytes[16];
  };
  for (std::uint32_t lane = 0; lane < lanes; ++lane) {
    for (std::uint32_t block = 0; block < body.blocks; ++block) {
      std::vector<Sixteen> shared(Body::kSharedBytes / sizeof(Sixteen) + 1);
      std::memset(shared.data(), 0xFF, shared.size() * sizeof(Sixteen));  // NaN: not zeroed there
      RunBlock(body, {.block = block, .lane = lane}, shared.data(), order);
    }
  }
}

double FactorAt(const LaneProduct& product, const ProductFactor& factor, std::uint32_t lane,
                std::size_t row, std::size_t col) {
  const std::size_t place =
      factor.is_transposed ? col * factor.stride + row : row * factor.stride + col;
  const LaneNumbers numbers(factor.offset, factor.is_bfloat16);
  return static_cast<double>(numbers.At(product.arena, lane, place));
}

void Multiply(const LaneProduct& product, std::uint32_t lanes) {
  assert((product.precision == ProductPrecision::kBfloat16) == product.a.is_bfloat16);
  assert(product.a.is_bfloat16 == product.b.is_bfloat16);
  const LaneNumbers out(product.out.offset, product.out.is_bfloat16);
  const LaneNumbers bias =
      product.out.is_bfloat16 ? LaneNumbers(product.rounded_bias, true) : LaneNumbers(product.bias);
  for (std::uint32_t lane = 0; lane < lanes; ++lane) {
    for (std::size_t row = 0; row < product.rows; ++row) {
      for (std::size_t col = 0; col < product.cols; ++col) {
        double sum = 0.0;
        for (std::size_t i = 0; i < product.inner; ++i)
          sum += FactorAt(product, product.a, lane, row, i) *
                 FactorAt(product, product.b, lane, i, col);
        if (product.bias != kNoTensor)
          sum += static_cast<double>(bias.At(product.arena, lane, col));
        out.Put(product.arena, lane, row * product.out.stride + col, static_cast<float>(sum));
      }
    }
  }
}

}  // namespace

void RunOnHost(const Operation& operation, std::uint32_t lanes, ThreadOrder order) {
  std::visit(
      [&]<class Kind>(const Kind& kind) {
        if constexpr (std::is_same_v<Kind, LaneProduct>) {
          Multiply(kind, lanes);
        } else {
          RunBlocks(kind, lanes, order);
        }
      },
      operation);
}

void* HostDevice::Allocate(std::size_t bytes) {
  bytes_ += bytes;
  return AllocateStaging(bytes);
}

void* HostDevice::AllocateStaging(std::size_t bytes) {
  blocks_.emplace_back(bytes / sizeof(Line) + 1);
  std::memset(blocks_.back().data(), 0, blocks_.back().size() * sizeof(Line));
  return blocks_.back().data();
}

void HostDevice::Upload(void* to, const void* from, std::size_t bytes) {
  std::memcpy(to, from, bytes);
}

void HostDevice::Download(void* to, const void* from, std::size_t bytes) {
  std::memcpy(to, from, bytes);
}

std::size_t HostDevice::Compile(std::span<const Operation> operations, std::uint32_t lanes) {
  programs_.push_back({{operations.begin(), operations.end()}, lanes});
  Launch(programs_.size() - 1, 1);
  return programs_.size() - 1;
}

void HostDevice::Launch(std::size_t program, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) {
    for (const Operation& operation : programs_[program].operations) {
      RunOnHost(operation, programs_[program].lanes, order_);
    }
  }
}

}  // namespace ddl
