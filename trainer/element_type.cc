// SPDX-License-Identifier: Apache-2.0
#include "trainer/element_type.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>

namespace ddl {

namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::array<std::string_view, 8> kElementNames{"u1", "b1", "i2", "u2",
                                                        "i4", "i8", "f4", "f8"};

template <class Stored, class Wanted>
void Decode(bool is_big_endian, std::span<const std::uint8_t> bytes, std::span<Wanted> out) {
  assert(bytes.size() == out.size() * sizeof(Stored));
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::array<std::uint8_t, sizeof(Stored)> raw;
    std::memcpy(raw.data(), bytes.data() + i * sizeof(Stored), sizeof(Stored));
    if (is_big_endian) std::ranges::reverse(raw);
    out[i] = static_cast<Wanted>(std::bit_cast<Stored>(raw));
  }
}

template <class Number>
void DecodeAs(ElementFormat format, std::span<const std::uint8_t> bytes, std::span<Number> out) {
  const bool big = format.is_big_endian;
  switch (format.type) {
    case ElementType::kU1:
    case ElementType::kB1:
      return Decode<std::uint8_t>(big, bytes, out);
    case ElementType::kI2:
      return Decode<std::int16_t>(big, bytes, out);
    case ElementType::kU2:
      return Decode<std::uint16_t>(big, bytes, out);
    case ElementType::kI4:
      return Decode<std::int32_t>(big, bytes, out);
    case ElementType::kI8:
      return Decode<std::int64_t>(big, bytes, out);
    case ElementType::kF4:
      return Decode<float>(big, bytes, out);
    case ElementType::kF8:
      return Decode<double>(big, bytes, out);
  }
}

}  // namespace

std::size_t ElementFormat::Bytes() const {
  return static_cast<std::size_t>(NameOf(type)[1] - '0');
}

std::optional<ElementType> ElementTypeOf(std::string_view name) {
  const auto* found = std::ranges::find(kElementNames, name);
  if (found == kElementNames.end()) return std::nullopt;
  return static_cast<ElementType>(found - kElementNames.begin());
}

std::string_view NameOf(ElementType type) {
  return kElementNames[static_cast<std::size_t>(type)];
}

void DecodeReals(ElementFormat format, std::span<const std::uint8_t> bytes, std::span<float> out) {
  DecodeAs(format, bytes, out);
}

void DecodeWhole(ElementFormat format, std::span<const std::uint8_t> bytes,
                 std::span<std::int64_t> out) {
  assert(format.type != ElementType::kF4 && format.type != ElementType::kF8);
  DecodeAs(format, bytes, out);
}

}  // namespace ddl
