// SPDX-License-Identifier: Apache-2.0
// Which class was taken for which: counts, and what follows from them for each class.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace ddl {

// Of one class. What has no denominator is absent, not zero.
struct ClassFigures {
  std::uint64_t support = 0;        // rows of the class
  std::uint64_t answers = 0;        // rows that were taken for it
  std::uint64_t right = 0;          // rows that are both
  std::optional<double> precision;  // right / answers
  std::optional<double> recall;     // right / support
  std::optional<double> f1;         // 2 right / (support + answers): their harmonic mean
};

// Rows of `label` that were taken for `answer`, another class.
struct Mistake {
  std::size_t label = 0;
  std::size_t answer = 0;
  std::uint64_t rows = 0;
};

class Confusion {
 public:
  explicit Confusion(std::size_t classes) : counts_(classes) {}

  void Add(std::size_t label, std::size_t answer);

  [[nodiscard]] std::size_t Classes() const { return counts_.size(); }
  [[nodiscard]] std::uint64_t Rows() const { return rows_; }
  [[nodiscard]] std::uint64_t Count(std::size_t label, std::size_t answer) const;
  [[nodiscard]] ClassFigures Of(std::size_t class_number) const;
  [[nodiscard]] double Accuracy() const;  // 0 without rows
  // The mean of f1 over the classes that have one.
  [[nodiscard]] double MacroF1() const;
  // The most frequent first; of equal ones the lower label, then the lower answer.
  [[nodiscard]] std::vector<Mistake> Mistakes(std::size_t most) const;

 private:
  struct Counts {
    std::uint64_t support = 0;
    std::uint64_t answers = 0;
    std::uint64_t right = 0;
  };

  std::vector<Counts> counts_;
  std::map<std::pair<std::size_t, std::size_t>, std::uint64_t> cells_;  // those that are not zero
  std::uint64_t rows_ = 0;
};

}  // namespace ddl
