// SPDX-License-Identifier: Apache-2.0
// A device made of loops: the bodies of the kernels over blocks, lanes, phases and threads as a GPU
// runs them, products with sums in double. Threads of a phase may run in either order, which must
// not matter.
#pragma once

#include <cassert>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "trainer/cuda/gpu_device.h"

namespace ddl {

enum class ThreadOrder : std::uint8_t { kUp, kDown };

// Tests are compiled without optimisation; what does the work is not.
#if defined(__clang__)
#define DDL_FAST
#else
#define DDL_FAST __attribute__((optimize("O2")))
#endif

template <class Body>
DDL_FAST void RunBlock(const Body& body, ThreadPlace at, void* shared, ThreadOrder order) {
  const auto thread_of = [order](std::uint32_t i) {
    return order == ThreadOrder::kUp ? i : Body::kThreads - 1 - i;
  };
  if constexpr (HasState<Body>) {
    std::vector<typename Body::State> states(Body::kThreads);
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
DDL_FAST void RunOnHost(const Body& body, std::uint32_t lanes,
                        ThreadOrder order = ThreadOrder::kUp) {
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

DDL_FAST inline double FactorAt(const LaneProduct& product, const ProductFactor& factor,
                                std::uint32_t lane, std::size_t row, std::size_t col) {
  const std::size_t place =
      factor.is_transposed ? col * factor.stride + row : row * factor.stride + col;
  const LaneNumbers numbers(factor.offset, factor.is_bfloat16);
  return static_cast<double>(numbers.At(product.arena, lane, place));
}

DDL_FAST inline void MultiplyOnHost(const LaneProduct& product, std::uint32_t lanes) {
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

class HostDevice final : public GpuDevice {
 public:
  explicit HostDevice(ThreadOrder order = ThreadOrder::kUp) : order_(order) {}

  void* Allocate(std::size_t bytes) override {
    bytes_ += bytes;
    return AllocateStaging(bytes);
  }
  void* AllocateStaging(std::size_t bytes) override {
    blocks_.emplace_back(bytes / sizeof(Line) + 1);
    std::memset(blocks_.back().data(), 0, blocks_.back().size() * sizeof(Line));
    return blocks_.back().data();
  }
  void Upload(void* to, const void* from, std::size_t bytes) override {
    std::memcpy(to, from, bytes);
  }
  void Download(void* to, const void* from, std::size_t bytes) override {
    std::memcpy(to, from, bytes);
  }
  std::size_t Compile(std::span<const Operation> operations, std::uint32_t lanes) override {
    programs_.push_back({{operations.begin(), operations.end()}, lanes});
    Launch(programs_.size() - 1, 1);
    return programs_.size() - 1;
  }
  void Launch(std::size_t program, std::size_t times) override {
    for (std::size_t i = 0; i < times; ++i) {
      for (const Operation& operation : programs_[program].operations) {
        std::visit([&](const auto& kind) { Run(kind, programs_[program].lanes); }, operation);
      }
    }
  }
  void Wait() override {}

  [[nodiscard]] std::size_t AllocatedBytes() const { return bytes_; }
  [[nodiscard]] std::size_t Operations(std::size_t program) const {
    return programs_.at(program).operations.size();
  }

 private:
  struct alignas(256) Line {
    unsigned char bytes[256];
  };
  struct Program {
    std::vector<Operation> operations;
    std::uint32_t lanes = 0;
  };

  template <class Kind>
  void Run(const Kind& kind, std::uint32_t lanes) {
    if constexpr (std::is_same_v<Kind, LaneProduct>) {
      MultiplyOnHost(kind, lanes);
    } else {
      RunOnHost(kind, lanes, order_);
    }
  }

  ThreadOrder order_;
  std::size_t bytes_ = 0;
  std::vector<std::vector<Line>> blocks_;
  std::vector<Program> programs_;
};

}  // namespace ddl
