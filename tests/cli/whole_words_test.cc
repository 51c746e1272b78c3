// SPDX-License-Identifier: Apache-2.0
#include "cli/whole_words.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/cli/real_ddl.h"

namespace ddl {
namespace whole_words_test {

using Words = std::vector<std::string>;
using WholeWords = RealDdl;

TEST(MarkedWords, AreAsTheyWereOnceUnmarked) {
  const Words words{"[a,b]", "[]", "", "a[0]", "{}", "\x01", "\x01[x]"};
  Words marked = WithBracketsMarked(words);
  for (const std::string& word : marked)
    EXPECT_FALSE(word.starts_with('[')) << word;
  std::ranges::transform(marked, marked.begin(), Unmarked);
  EXPECT_EQ(marked, words);
}

TEST_F(WholeWords, ReachTheProgramThatIsRun) {
  const Finished done = Ddl({"run", "--", "printf", "<%s>\\n", "[256,128]", "a b", "", "{}", "[x]",
                             "[]", "[[1,2],[3]]", "--json"});
  EXPECT_EQ(done.code, 0) << done.error;
  EXPECT_EQ(Ddl({"logs", "1"}).out,
            "<[256,128]>\n<a b>\n<>\n<{}>\n<[x]>\n<[]>\n<[[1,2],[3]]>\n<--json>\n");
}

TEST_F(WholeWords, NameASweepInBrackets) {
  ASSERT_EQ(Ddl({"run", "--name", "[a,b]", "--", "true"}).code, 0);
  EXPECT_EQ(DdlJson({"status", "[a,b]"}).at("sweeps").at(0).at("sweep"), "[a,b]");
  const Finished compared = Ddl({"compare", "[a,b]", "[c,d]"});
  EXPECT_EQ(compared.code, 2);
  EXPECT_NE(compared.error.find("\"[a,b]\""), std::string::npos) << compared.error;
}

TEST_F(WholeWords, SetAListOfTheSpec) {
  const std::string spec = Write("s.yaml",
                                 "command: [\"true\"]\nmethod: grid\n"
                                 "parameters: {model.hidden: {values: [[8], [16]]}}\n");
  const Json planned = DdlJson({"plan", spec, "model.hidden=[256,128],[64]"});
  EXPECT_EQ(planned.at("first").at(0).at("parameters").at("model.hidden"), Json::array({256, 128}));
  EXPECT_EQ(planned.at("first").at(1).at("parameters").at("model.hidden"), Json::array({64}));
}

}  // namespace whole_words_test
}  // namespace ddl
