// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/sobol.h"

#include <cassert>

#include <boost/random/sobol.hpp>

#include "configs/mix.h"
#include "configs/sampling.h"
#include "configs/spec.h"
#include "scheduler/search/quantiles.h"

namespace ddl {

namespace {

// Each bit is flipped or not by a hash of those above it, whose length the leading one tells.
std::uint32_t Scrambled(std::uint32_t bits, std::uint64_t seed) {
  std::uint32_t scrambled = 0;
  for (unsigned above = 0; above < 32; ++above) {
    const unsigned shift = 31 - above;
    const std::uint64_t prefix = std::uint64_t{1} << above | (std::uint64_t{bits} >> (shift + 1));
    const auto flip = static_cast<std::uint32_t>(Mix(seed ^ Mix(prefix)) >> 63U);
    scrambled |= ((bits >> shift & 1U) ^ flip) << shift;
  }
  return scrambled;
}

std::uint64_t SeedOf(std::uint64_t seed, std::size_t dimension) {
  return Mix(seed + (dimension + 1) * 0x9e3779b97f4a7c15U);
}

}  // namespace

struct SobolSequence::Engine {
  explicit Engine(std::size_t dimensions) : sequence(dimensions) {}
  boost::random::sobol sequence;
};

SobolSequence::SobolSequence(std::size_t dimensions, std::uint64_t seed)
    : dimensions_(dimensions), seed_(seed) {
  assert(dimensions <= kMostSobolParameters);
  if (dimensions > 0) engine_ = std::make_unique<Engine>(dimensions);
}

SobolSequence::~SobolSequence() = default;

// The library leaves the origin out, and so begins at point 1.
std::vector<double> SobolSequence::Point(std::int64_t index) {
  constexpr double kStep = 0x1p-32;
  std::vector<double> point(dimensions_);
  if (index > 0 && engine_) engine_->sequence.seed(static_cast<std::uint64_t>(index - 1));
  for (std::size_t i = 0; i < dimensions_; ++i) {
    const auto bits =
        index > 0 ? static_cast<std::uint32_t>(engine_->sequence() >> 32U) : std::uint32_t{0};
    point[i] = (static_cast<double>(Scrambled(bits, SeedOf(seed_, i))) + 0.5) * kStep;
  }
  return point;
}

std::size_t CubeDimensions(const Space& space) {
  std::size_t dimensions = 0;
  for (const Parameter& parameter : space) {
    const bool varies = BaseOf(parameter.distribution) != BaseDistribution::kNone;
    if (varies && !parameter.zipped_to) ++dimensions;
  }
  return dimensions;
}

Configuration PointOfCube(const Space& space, const std::vector<double>& point) {
  Configuration configuration = Json::object();
  std::vector<double> bases(space.size());
  auto share = point.begin();
  for (std::size_t i = 0; i < space.size(); ++i) {
    const Parameter& p = space[i];
    const bool is_constant = BaseOf(p.distribution) == BaseDistribution::kNone;
    if (!is_constant && !p.zipped_to) bases[i] = BaseAt(p, *share++);
    configuration[p.Name()] = p.zipped_to
                                  ? p.values[PlaceAt(space[*p.zipped_to], bases[*p.zipped_to])]
                                  : ValueAt(p, bases[i]);
  }
  return configuration;
}

}  // namespace ddl
