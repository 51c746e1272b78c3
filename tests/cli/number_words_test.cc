// SPDX-License-Identifier: Apache-2.0
#include "cli/number_words.h"

#include <gtest/gtest.h>

namespace ddl {
namespace number_words_test {

using Words = std::vector<std::string>;

TEST(NumberWords, AreValuesAndNoOptions) {
  EXPECT_EQ(WithNumbersAsValues({"ddl", "tell", "s", "1", "-.5", "-.5e3", "-1", "-inf", "-NaN"}),
            (Words{"ddl", "tell", "s", "1", "-0.5", "-0.5e3", "-1", "-1e999", "nan"}));
}

TEST(NumberWords, LeaveOptionsAndNamesAlone) {
  const Words words{"ddl", "report", "-n", "5", "--reference", "-1,-.5", "-.", "-.x", "x-.5"};
  EXPECT_EQ(WithNumbersAsValues(words), words);
}

TEST(NumberWords, LeaveWhatIsToBeRunAlone) {
  const Words run{"ddl", "run", "--", "prog", "-.5"};
  EXPECT_EQ(WithNumbersAsValues(run), run);
  const Words after{"ddl", "tell", "s", "--", "-.5"};
  EXPECT_EQ(WithNumbersAsValues(after), after);
}

}  // namespace number_words_test
}  // namespace ddl
