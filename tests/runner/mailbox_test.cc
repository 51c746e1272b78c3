// SPDX-License-Identifier: Apache-2.0
#include "runner/mailbox.h"

#include <chrono>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace ddl {
namespace mailbox_test {

using std::chrono::hours;
using std::chrono::nanoseconds;

TEST(MailboxOfValues, GivesNothingWhenNothingCame) {
  Mailbox<int> mailbox;
  EXPECT_TRUE(mailbox.TakeAll(nanoseconds(0)).empty());
}

TEST(MailboxOfValues, WakesItsReceiver) {
  Mailbox<int> mailbox;
  std::jthread sender([&] { mailbox.Put(7); });
  EXPECT_EQ(mailbox.TakeAll(hours(1)), std::vector<int>{7});
}

TEST(MailboxOfValues, KeepsTheOrderOfEachSender) {
  constexpr int kSenders = 4;
  constexpr int kEach = 10'000;
  Mailbox<std::pair<int, int>> mailbox;
  std::vector<std::jthread> senders;
  for (int sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&mailbox, sender] {
      for (int i = 0; i < kEach; ++i)
        mailbox.Put({sender, i});
    });
  }
  std::map<int, int> next;
  for (int seen = 0; seen < kSenders * kEach;) {
    for (const auto& [sender, number] : mailbox.TakeAll(hours(1))) {
      ASSERT_EQ(number, next[sender]++);
      ++seen;
    }
  }
  EXPECT_TRUE(mailbox.TakeAll(nanoseconds(0)).empty());
}

}  // namespace mailbox_test
}  // namespace ddl
