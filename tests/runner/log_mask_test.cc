// SPDX-License-Identifier: Apache-2.0
#include "runner/log_mask.h"

#include <gtest/gtest.h>

namespace ddl {
namespace log_mask_test {

constexpr std::string_view kText = "a key-12345 b key-12345key-1234 key-123456789 end key-12";

std::string InPieces(LogMask& mask, std::string_view text, std::size_t size) {
  std::string shown;
  for (; !text.empty(); text.remove_prefix(std::min(size, text.size())))
    shown += mask.Take(text.substr(0, size));
  return shown + mask.Rest();
}

TEST(LogMask, HidesEachSecretHoweverItIsCut) {
  for (std::size_t size = 1; size <= kText.size(); ++size) {
    LogMask mask({"key-12345", "key-123456789"});
    EXPECT_EQ(InPieces(mask, kText, size), "a *** b ***key-1234 *** end key-12") << size;
  }
}

TEST(LogMask, HoldsBackOnlyWhatCouldBecomeASecret) {
  LogMask mask({"secret-value"});
  EXPECT_EQ(mask.Take("a line\nand sec"), "a line\nand ");
  EXPECT_EQ(mask.Take("ond\n"), "second\n");
  EXPECT_EQ(mask.Take("secret-"), "");
  EXPECT_EQ(mask.Rest(), "secret-");
}

TEST(LogMask, HidesASecretOfSeveralLines) {
  LogMask mask({"-----BEGIN\nabc\n-----END"});
  EXPECT_EQ(InPieces(mask, "x\n-----BEGIN\nabc\n-----END\ny\n", 3), "x\n***\ny\n");
}

TEST(LogMask, LeavesTextsAloneThatWouldHideAnything) {
  EXPECT_TRUE(LogMask({"1", "true"}).IsIdle());
}

}  // namespace log_mask_test
}  // namespace ddl
