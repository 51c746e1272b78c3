// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iterator>
#include <map>

namespace ddl {

// Steps of a staircase: from left to right the second objective falls. Knows the area between the
// steps and the reference.
class Staircase {
 public:
  Staircase(double right, double top) : right_(right), top_(top) {}

  [[nodiscard]] double Area() const { return area_; }

  void Add(double x, double y) {
    auto after = steps_.upper_bound(x);
    const double ceiling = after == steps_.begin() ? top_ : std::prev(after)->second;
    if (y >= ceiling) return;
    // From x on the ceiling is `level`; each step that this one covers lowers it.
    double level = ceiling;
    double from = x;
    if (after != steps_.begin() && std::prev(after)->first == x) --after;
    while (after != steps_.end() && after->second >= y) {
      area_ += (after->first - from) * (level - y);
      from = after->first;
      level = after->second;
      after = steps_.erase(after);
    }
    const double to = after == steps_.end() ? right_ : after->first;
    area_ += (to - from) * (level - y);
    steps_.emplace(x, y);
  }

 private:
  double right_;
  double top_;
  double area_ = 0;
  std::map<double, double> steps_;
};

}  // namespace ddl
