// SPDX-License-Identifier: Apache-2.0
// What one core of this machine reaches with the trainer's own kernels: the limits that accounting
// compares with.
#pragma once

#include <chrono>
#include <optional>
#include <span>

#include "trainer/bfloat16.h"
#include "trainer/gemm.h"

namespace ddl {

struct ProbeProduct {
  GemmShape shape;
  bool is_a_transposed = false;
  bool is_b_transposed = false;
};

// Floating-point operations a second of the products one after the other, over that time of the
// processor; operands are the same each time and stay in the cache where they fit.
[[nodiscard]] double ProductRate(Precision precision, std::span<const ProbeProduct> products,
                                 std::chrono::duration<double> time);

// Bytes a second of a sum of two long vectors, two thirds read and one third written, none of
// which any cache below 64 MiB holds.
[[nodiscard]] double MemoryRate(std::chrono::duration<double> time);

inline constexpr double kGiga = 1e9;  // in what people read

// Of one core, while nothing else runs on it.
struct MachineLimits {
  double float32_flops = 0.0;        // a second, of one product of 1024 x 1024 matrices
  std::optional<double> bf16_flops;  // none where the processor has no such products
  double memory_bytes = 0.0;         // a second
};

// Takes about a second: the best of several short turns each, since others disturb and never help.
[[nodiscard]] MachineLimits MeasureLimits();

}  // namespace ddl
