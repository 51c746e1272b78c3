// SPDX-License-Identifier: Apache-2.0
// What happened in a world, line by line: a hash of all of it, and the text where it is wanted.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "tests/simulation/random.h"

namespace ddl::simulation {

class Trace {
 public:
  explicit Trace(bool prints) : prints_(prints) {}

  template <class... Values>
  void Note(Time now, std::string_view who, fmt::format_string<Values...> text,
            Values&&... values) {
    line_.clear();
    fmt::format_to(std::back_inserter(line_), "{} ", who);
    fmt::format_to(std::back_inserter(line_), text, std::forward<Values>(values)...);
    Mix(static_cast<std::uint64_t>(now.count()));
    for (std::size_t at = 0; at < line_.size(); at += 8) {
      std::uint64_t piece = 0;
      std::memcpy(&piece, line_.data() + at, std::min<std::size_t>(8, line_.size() - at));
      Mix(piece);
    }
    if (prints_) fmt::print("{:14.6f} {}\n", static_cast<double>(now.count()) / 1e9, line_);
  }
  [[nodiscard]] std::uint64_t Hash() const { return hash_; }

 private:
  void Mix(std::uint64_t piece) {
    hash_ = (hash_ ^ piece) * 0x9fb21c651e98df25U;
    hash_ ^= hash_ >> 32U;
  }

  bool prints_;
  std::uint64_t hash_ = 0x243f6a8885a308d3U;
  std::string line_;
};

}  // namespace ddl::simulation
