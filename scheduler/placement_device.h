// SPDX-License-Identifier: Apache-2.0
// One core or GPU in thousandths: which ranges this store's ranks hold, and which somebody else was
// seen to hold.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace ddl {

inline constexpr int kWholeDevice = 1000;

// A range that a host refused: not tried again before `retry_at`.
struct ForeignRange {
  int first = 0;
  int length = kWholeDevice;
  std::chrono::nanoseconds retry_at{0};  // monotonic
  std::chrono::nanoseconds patience{0};  // before the next try; doubles with each refusal
  std::string holder;
};

class PlacementDevice {
 public:
  // Where `length` thousandths fit with the least room left over.
  struct Gap {
    int first = 0;
    int room = 0;  // of the whole gap, before anything is taken from it
  };
  [[nodiscard]] std::optional<Gap> BestGap(int length) const;
  [[nodiscard]] bool IsFree(int first, int length) const;
  [[nodiscard]] bool IsWhollyFree() const { return taken_.empty() && !HasForeign(); }
  [[nodiscard]] bool HasForeign() const;
  [[nodiscard]] bool IsTaken() const { return !taken_.empty(); }
  // Who holds a range that is not tried now, or "".
  [[nodiscard]] std::string ForeignHolder() const;

  // The range must be free of our own ranks, else it is our mistake (asserted).
  void Take(int first, int length);
  void Free(int first, int length);

  void MarkForeign(int first, int length, const std::string& holder, std::chrono::nanoseconds now);
  // Our own rank started on it: whoever held it has gone.
  void ForgetForeign(int first, int length);
  // Lets refused ranges be tried again whose time has come; true when there was one.
  bool Retry(std::chrono::nanoseconds now);

 private:
  struct Range {
    int first = 0;
    int length = 0;
  };
  [[nodiscard]] std::vector<Range> Occupied() const;

  std::vector<Range> taken_;  // sorted by first, disjoint
  std::vector<ForeignRange> foreign_;
};

}  // namespace ddl
