// SPDX-License-Identifier: Apache-2.0
// A scrambled Sobol sequence: points that fill the unit cube evenly from the first one on. Sobol'
// (1967) with the direction numbers of Joe and Kuo (2008), scrambled as Owen has it ("Randomly
// permuted (t,m,s)-nets and (t,s)-sequences", 1995), its random bits drawn by a hash.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "configs/space.h"

namespace ddl {

class SobolSequence {
 public:
  SobolSequence(std::size_t dimensions, std::uint64_t seed);
  SobolSequence(const SobolSequence&) = delete;
  SobolSequence& operator=(const SobolSequence&) = delete;
  ~SobolSequence();

  // Point `index` (0, 1, ...), each coordinate in (0, 1). A pure function of seed and index; of
  // 2^32 points each coordinate is another one.
  [[nodiscard]] std::vector<double> Point(std::int64_t index);

 private:
  struct Engine;
  std::size_t dimensions_;
  std::uint64_t seed_;
  std::unique_ptr<Engine> engine_;
};

// Parameters that a point has a coordinate for.
[[nodiscard]] std::size_t CubeDimensions(const Space& space);
// The configuration at a point of the unit cube: each coordinate is the share of a parameter's
// distribution that lies below its value.
[[nodiscard]] Configuration PointOfCube(const Space& space, const std::vector<double>& point);

}  // namespace ddl
