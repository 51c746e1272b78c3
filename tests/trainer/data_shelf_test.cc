// SPDX-License-Identifier: Apache-2.0
#include "trainer/data_shelf.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "configs/error.h"

namespace ddl {
namespace data_shelf_test {

Json Blobs(int seed) {
  return {{"type", "blobs"}, {"rows", 100}, {"seed", seed}};
}

TEST(DataShelf, LoadsOnceForAllThatBorrowAtOnce) {
  DataShelf shelf;
  const DataShelf::Loan first = shelf.Borrow(Blobs(1));
  const DataShelf::Loan second = shelf.Borrow(Blobs(1));
  std::array<const Dataset*, 2> seen{};
  std::thread one([&] { seen[0] = &first.get(); });
  std::thread other([&] { seen[1] = &second.get(); });
  one.join();
  other.join();
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(seen[0]->train.Rows(), 100U);
  EXPECT_NE(&shelf.Borrow(Blobs(2)).get(), seen[0]);
}

TEST(DataShelf, KeepsWhatWasReturnedForTheNextOneAndForgetsTheOldest) {
  DataShelf shelf;
  const Dataset* first = &shelf.Borrow(Blobs(1)).get();
  shelf.GiveBack(Blobs(1), true);
  EXPECT_EQ(&shelf.Borrow(Blobs(1)).get(), first);
  shelf.GiveBack(Blobs(1), true);
  for (const int seed : {2, 3}) {
    (void)shelf.Borrow(Blobs(seed)).get();
    shelf.GiveBack(Blobs(seed), true);
  }
  using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace)
  EXPECT_EQ(shelf.Borrow(Blobs(1)).wait_for(0s), std::future_status::deferred);
  EXPECT_EQ(shelf.Borrow(Blobs(3)).wait_for(0s), std::future_status::ready);
}

TEST(DataShelf, TriesAgainWhatCouldNotBeLoaded) {
  const std::string path = testing::TempDir() + "/data_shelf_test.csv";
  std::filesystem::remove(path);
  const Json data{{"type", "csv"}, {"train", path}};
  DataShelf shelf;
  EXPECT_THROW((void)shelf.Borrow(data).get(), Error);
  shelf.GiveBack(data, false);
  std::ofstream(path) << "1,2,0\n3,4,1\n5,6,0\n";
  EXPECT_EQ(shelf.Borrow(data).get().train.Rows(), 3U);
  std::filesystem::remove(path);
}

}  // namespace data_shelf_test
}  // namespace ddl
