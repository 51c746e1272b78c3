// SPDX-License-Identifier: Apache-2.0
#include "trainer/random.h"

#include <array>
#include <cmath>
#include <numbers>

#include "trainer/philox.h"

namespace ddl {

namespace {

// Four words a block; the purpose stands in the upper byte, as everywhere.
std::array<std::uint32_t, 4> Block(const RandomStream& stream, std::uint64_t block) {
  constexpr unsigned kShift = 24;
  const PhiloxWords words = Philox(
      {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(stream.step),
       static_cast<std::uint32_t>(stream.step >> 32U),
       static_cast<std::uint32_t>(stream.purpose) << kShift | stream.part},
      {static_cast<std::uint32_t>(stream.seed), static_cast<std::uint32_t>(stream.seed >> 32U)});
  return {words.a, words.b, words.c, words.d};
}

// Calls use(i, word) for the words first + i, i < count.
template <class Use>
void ForEachWord(const RandomStream& stream, std::uint64_t first, std::size_t count, Use use) {
  std::array<std::uint32_t, 4> block{};
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t index = first + i;
    if (i == 0 || index % 4 == 0) block = Block(stream, index / 4);
    use(i, block[index % 4]);
  }
}

}  // namespace

std::uint32_t RandomWord(const RandomStream& stream, std::uint64_t index) {
  return Block(stream, index / 4)[index % 4];
}

void FillWords(const RandomStream& stream, std::uint64_t first, std::span<std::uint32_t> out) {
  ForEachWord(stream, first, out.size(), [&](std::size_t i, std::uint32_t word) { out[i] = word; });
}

void FillUniform(const RandomStream& stream, std::uint64_t first, UniformRange range,
                 std::span<float> out) {
  constexpr float kStep = 1.0F / 16777216.0F;  // 2^-24
  ForEachWord(stream, first, out.size(), [&](std::size_t i, std::uint32_t word) {
    out[i] = range.low + (range.high - range.low) * (static_cast<float>(word >> 8U) * kStep);
  });
}

void FillNormal(const RandomStream& stream, std::uint64_t first, float standard_deviation,
                std::span<float> out) {
  constexpr double kStep = 1.0 / 4294967296.0;  // 2^-32
  double radius = 0.0;
  ForEachWord(stream, first * 2, out.size() * 2, [&](std::size_t i, std::uint32_t word) {
    if (i % 2 == 0) {
      radius = std::sqrt(-2.0 * std::log((static_cast<double>(word) + 1.0) * kStep));
      return;
    }
    const double angle = 2.0 * std::numbers::pi * (static_cast<double>(word) * kStep);
    out[i / 2] = standard_deviation * static_cast<float>(radius * std::cos(angle));
  });
}

}  // namespace ddl
