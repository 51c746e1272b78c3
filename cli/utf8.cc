// SPDX-License-Identifier: Apache-2.0
#include "cli/utf8.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace ddl {

namespace {

struct CodePoints {
  char32_t first;
  char32_t last;
};

// The blocks that matter in names and logs, of Unicode 15: not every mark of every script.
constexpr std::array kZeroWidth{
    CodePoints{0x0300, 0x036F},   CodePoints{0x0483, 0x0489},   CodePoints{0x0591, 0x05BD},
    CodePoints{0x0610, 0x061A},   CodePoints{0x064B, 0x065F},   CodePoints{0x0900, 0x0902},
    CodePoints{0x093C, 0x093C},   CodePoints{0x0941, 0x0948},   CodePoints{0x0E31, 0x0E31},
    CodePoints{0x0E34, 0x0E3A},   CodePoints{0x0E47, 0x0E4E},   CodePoints{0x1AB0, 0x1AFF},
    CodePoints{0x1DC0, 0x1DFF},   CodePoints{0x200B, 0x200F},   CodePoints{0x20D0, 0x20FF},
    CodePoints{0xFE00, 0xFE0F},   CodePoints{0xFE20, 0xFE2F},   CodePoints{0xFEFF, 0xFEFF},
    CodePoints{0x1F3FB, 0x1F3FF}, CodePoints{0xE0100, 0xE01EF},
};

constexpr std::array kWide{
    CodePoints{0x1100, 0x115F},   CodePoints{0x231A, 0x231B},   CodePoints{0x23E9, 0x23EC},
    CodePoints{0x2614, 0x2615},   CodePoints{0x2648, 0x2653},   CodePoints{0x26A1, 0x26A1},
    CodePoints{0x2705, 0x2705},   CodePoints{0x274C, 0x274C},   CodePoints{0x2753, 0x2755},
    CodePoints{0x2B1B, 0x2B1C},   CodePoints{0x2E80, 0x303E},   CodePoints{0x3041, 0x33FF},
    CodePoints{0x3400, 0x4DBF},   CodePoints{0x4E00, 0x9FFF},   CodePoints{0xA000, 0xA4CF},
    CodePoints{0xA960, 0xA97F},   CodePoints{0xAC00, 0xD7A3},   CodePoints{0xF900, 0xFAFF},
    CodePoints{0xFE30, 0xFE6F},   CodePoints{0xFF00, 0xFF60},   CodePoints{0xFFE0, 0xFFE6},
    CodePoints{0x1F300, 0x1F64F}, CodePoints{0x1F680, 0x1F6FF}, CodePoints{0x1F900, 0x1F9FF},
    CodePoints{0x20000, 0x3FFFD},
};

template <std::size_t N>
bool IsIn(const std::array<CodePoints, N>& ranges, char32_t code) {
  const auto found = std::ranges::lower_bound(ranges, code, {}, &CodePoints::last);
  return found != ranges.end() && found->first <= code;
}

std::size_t LengthFromFirst(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return 2;
  if (first >= 0xE0 && first <= 0xEF) return 3;
  if (first >= 0xF0 && first <= 0xF4) return 4;
  return 0;
}

bool IsShortestForm(char32_t code, std::size_t bytes) {
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  const char32_t least = bytes == 2 ? 0x80 : bytes == 3 ? 0x800 : 0x10000;
  return code >= least && code <= 0x10FFFF && !surrogate;
}

}  // namespace

Character CharacterAt(std::string_view text, std::size_t at) {
  assert(at < text.size());
  const auto first = static_cast<unsigned char>(text[at]);
  const Character invalid{first, 1, false};
  const std::size_t bytes = LengthFromFirst(first);
  if (bytes == 1) return {first, 1, true};
  if (bytes == 0 || at + bytes > text.size()) return invalid;
  char32_t code = first & (0xFFU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xC0U) != 0x80U) return invalid;
    code = (code << 6U) | (next & 0x3FU);
  }
  return IsShortestForm(code, bytes) ? Character{code, bytes, true} : invalid;
}

int ColumnsOf(char32_t code) {
  if (code < 0x300) return 1;
  if (IsIn(kZeroWidth, code)) return 0;
  return IsIn(kWide, code) ? 2 : 1;
}

}  // namespace ddl
