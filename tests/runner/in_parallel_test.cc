// SPDX-License-Identifier: Apache-2.0
#include "runner/in_parallel.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace ddl {
namespace in_parallel_test {

TEST(InParallel, DoesEachOnce) {
  for (const std::size_t count : {0U, 1U, 15U, 16U, 17U, 1000U}) {
    std::vector<int> done(count, 0);
    InParallel(count, [&done](std::size_t i) { ++done[i]; });
    EXPECT_TRUE(std::ranges::all_of(done, [](int times) { return times == 1; })) << count;
  }
}

TEST(InParallel, ThrowsAgainWhatWasThrownAndBeginsNothingMore) {
  std::atomic<int> begun = 0;
  const auto work = [&begun](std::size_t i) {
    ++begun;
    if (i == 40) throw std::runtime_error("forty");
  };
  EXPECT_THROW(InParallel(1'000'000, work), std::runtime_error);
  EXPECT_LT(begun, 1'000'000);
}

}  // namespace in_parallel_test
}  // namespace ddl
