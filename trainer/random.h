// SPDX-License-Identifier: Apache-2.0
// Random numbers without state: every number is a pure function of (seed, purpose, part, step,
// index), so order of computation, batching and resuming cannot change a single bit.
// Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once

#include <cstdint>
#include <span>

namespace ddl {

// What the numbers are for. The values are part of every trial's result: append, never renumber.
enum class RandomPurpose : std::uint8_t {
  kSplit = 1,         // which rows become validation rows
  kOrder = 2,         // the order of the rows in an epoch (step = epoch)
  kSynthetic = 5,     // data made in memory
  kWindows = 6,       // where in a text an epoch's windows begin (step = epoch)
  kAugmentation = 7,  // what happens to an image (step = epoch; four words a row)
  // 0x10 to 0x14 are weights, biases, dropout, tables and attention masks: initial_weights.cc
};

// Names 2^34 words. `part` tells apart users with the same purpose (a stage, a table) and is below
// 2^24.
struct RandomStream {
  std::uint64_t seed = 0;
  RandomPurpose purpose = RandomPurpose::kSplit;
  std::uint32_t part = 0;
  std::uint64_t step = 0;
};

// Below, `first` is the index of out[0] in the stream and out[i] depends on first + i alone:
// filling in pieces gives the bits of filling at once. Fastest when `first` is a multiple of 4.
// Bits do not depend on the processor, but for FillNormal, which also depends on the maths library.

// The word at one index; for single numbers.
[[nodiscard]] std::uint32_t RandomWord(const RandomStream& stream, std::uint64_t index);

// Uniform 32-bit words.
void FillWords(const RandomStream& stream, std::uint64_t first, std::span<std::uint32_t> out);

// low + (high - low) * u, with u uniform on the 2^24 multiples of 2^-24 in [0, 1).
struct UniformRange {
  float low = 0.0F;
  float high = 1.0F;
};
void FillUniform(const RandomStream& stream, std::uint64_t first, UniformRange range,
                 std::span<float> out);

// Normal with mean 0 and the given standard deviation (Box-Muller on the words 2i and 2i + 1, so a
// stream holds 2^33 of them).
void FillNormal(const RandomStream& stream, std::uint64_t first, float standard_deviation,
                std::span<float> out);

}  // namespace ddl
