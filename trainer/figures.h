// SPDX-License-Identifier: Apache-2.0
// The figures at a training's end that do not fit a metric line: of each class, and which class was
// taken for which.
#pragma once

#include <string>
#include <vector>

#include "configs/json.h"
#include "trainer/confusion.h"

namespace ddl {

struct FiguresSource {
  std::string part;                      // "test" or "validation"
  std::vector<std::string> class_names;  // empty: just numbers
};

// A matrix of more classes is left out; the most frequent mistakes are always told, up to so many.
inline constexpr std::size_t kMostMatrixClasses = 100;
inline constexpr std::size_t kMostMistakes = 100;

// {"part", "rows", "accuracy", "macro_f1", "classes": [{"class", "name", "support", "answers",
// "precision", "recall", "f1"}], "mistakes": [{"label", "answer", "rows"}], "confusion": [[…]]}; a
// line of the matrix holds the rows of one class. What has no denominator is null.
[[nodiscard]] Json FiguresJson(const Confusion& confusion, const FiguresSource& source);

// Of more classes only those with the lowest F1 are shown, and this is said.
inline constexpr std::size_t kMostTableClasses = 20;

// The same for people: a table of at most kMostTableClasses lines and a heading.
[[nodiscard]] std::string FiguresTable(const Confusion& confusion, const FiguresSource& source);

}  // namespace ddl
