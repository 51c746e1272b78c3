// SPDX-License-Identifier: Apache-2.0
// Numbers as files store them, and what the trainer makes of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ddl {

enum class ElementType : std::uint8_t { kU1, kB1, kI2, kU2, kI4, kI8, kF4, kF8 };

struct ElementFormat {
  ElementType type = ElementType::kU1;
  bool is_big_endian = false;

  [[nodiscard]] std::size_t Bytes() const;
  [[nodiscard]] bool IsReal() const { return type == ElementType::kF4 || type == ElementType::kF8; }
};

// "u1", "b1", "i2", "u2", "i4", "i8", "f4", "f8": a kind and the bytes of one.
[[nodiscard]] std::optional<ElementType> ElementTypeOf(std::string_view name);
[[nodiscard]] std::string_view NameOf(ElementType type);

// out[i] is element i of `bytes`, which has out.size() of them; rounded to a float.
void DecodeReals(ElementFormat format, std::span<const std::uint8_t> bytes, std::span<float> out);

// The same of whole numbers, of types that are none of reals.
void DecodeWhole(ElementFormat format, std::span<const std::uint8_t> bytes,
                 std::span<std::int64_t> out);

}  // namespace ddl
