// SPDX-License-Identifier: Apache-2.0
// One mapping of a configuration, read key by key with a type and a range each. Keys that nobody
// asked for are an error, with the nearest name.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "configs/json.h"

namespace ddl {

// Closed unless said otherwise; always finite.
struct NumberRange {
  double low = 0.0;
  double high = std::numeric_limits<double>::max();
  bool excludes_low = false;
  bool excludes_high = false;
};

// Every function but the constructor takes the key's name and what holds when it is absent, and
// throws Error naming the full key where the value has another type or lies out of range.
class JsonSection {
 public:
  // `value` must outlive the section; null stands for an empty mapping. `path` is the key that
  // leads here, empty at the top.
  JsonSection(const Json& value, std::string path);

  [[nodiscard]] bool Has(std::string_view key) const;
  // A mapping below; a text stands for {type: text} and an absent key for an empty mapping.
  [[nodiscard]] JsonSection Below(std::string_view key);
  // The value as it is, null when absent.
  [[nodiscard]] const Json& Raw(std::string_view key);

  [[nodiscard]] double Number(std::string_view key, double absent, NumberRange range);
  [[nodiscard]] std::uint64_t Count(std::string_view key, std::uint64_t absent,
                                    std::uint64_t least = 0);
  [[nodiscard]] std::string Text(std::string_view key, std::string_view absent);
  [[nodiscard]] bool Flag(std::string_view key, bool absent);
  // The position of the text among `choices`.
  [[nodiscard]] std::size_t Choice(std::string_view key, std::size_t absent,
                                   std::span<const std::string_view> choices);
  [[nodiscard]] std::vector<std::size_t> Counts(std::string_view key);
  [[nodiscard]] std::pair<double, double> NumberPair(std::string_view key,
                                                     std::pair<double, double> absent,
                                                     NumberRange range);

  // Call last: throws Error for a key that was not asked for.
  void Finish() const;
  // The full name of a key: "optimizer.lr".
  [[nodiscard]] std::string Name(std::string_view key) const;

 private:
  [[nodiscard]] const Json* Find(std::string_view key);

  Json own_;           // holds the mapping that a short form stands for
  const Json* value_;  // null: empty
  std::string path_;
  std::vector<std::string> known_;
};

}  // namespace ddl
