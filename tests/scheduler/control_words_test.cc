// SPDX-License-Identifier: Apache-2.0
#include "scheduler/control_words.h"

#include <string>

#include <gtest/gtest.h>

#include "configs/error.h"

namespace ddl {
namespace control_words_test {

std::string ErrorOf(const std::string& line) {
  try {
    (void)DecodeWord(line);
  } catch (const Error& problem) {
    return problem.what();
  }
  return "no error";
}

TEST(ControlWords, AnActReadsBack) {
  ActWord word;
  word.sweep = "a \"b\"\nc";
  word.acts.verb = UserVerb::kExtend;
  word.acts.trials = {3, 7};
  word.acts.extend_by = 12;
  const std::string line = EncodeWord(word);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto back = std::get<ActWord>(DecodeWord(line));
  EXPECT_EQ(back.sweep, word.sweep);
  EXPECT_EQ(back.acts.verb, UserVerb::kExtend);
  EXPECT_EQ(back.acts.trials, word.acts.trials);
  EXPECT_EQ(back.acts.extend_by, 12);
}

TEST(ControlWords, AnActOfAHostReadsBack) {
  ActWord word;
  word.sweep = "s";
  word.acts.verb = UserVerb::kAddHost;
  word.acts.host = "gpu1";
  word.acts.reason = "new \"fans\"";
  word.acts.entry = HostEntry{.name = "gpu1",
                              .address = "ssh://gpu1",
                              .labels = {"a100"},
                              .env = {{"A", "b=c"}},
                              .setup = {"module load x"},
                              .cpus = 4};
  const auto back = std::get<ActWord>(DecodeWord(EncodeWord(word)));
  EXPECT_EQ(back.acts.verb, UserVerb::kAddHost);
  EXPECT_EQ(back.acts.host, "gpu1");
  EXPECT_EQ(back.acts.reason, word.acts.reason);
  EXPECT_EQ(back.acts.entry, word.acts.entry);
  EXPECT_TRUE(ErrorOf(R"({"op": "act", "sweep": "", "verb": "add-host", "trials": [],
                          "entry": {"name": "a", "address": "ssh://a", "cpus": -5}})")
                  .starts_with("cpus: a host's count is below 1"));
}

TEST(ControlWords, AWatchReadsBack) {
  EXPECT_EQ(std::get<WatchWord>(DecodeWord(EncodeWord(WatchWord{"x"}))).sweep, "x");
}

TEST(ControlWords, ASpecReadsBack) {
  OpenWord word;
  word.request.spec.name = "s";
  word.request.spec.command = {"/bin/true"};
  word.request.spec_text = "name: s\n";
  word.request.provenance_json = "{}";
  word.request.retry_failed = true;
  const auto back = std::get<OpenWord>(DecodeWord(EncodeWord(word)));
  EXPECT_EQ(ResolvedSpec(back.request.spec), ResolvedSpec(word.request.spec));
  EXPECT_EQ(back.request.spec_text, "name: s\n");
  EXPECT_TRUE(back.request.retry_failed);
  EXPECT_FALSE(back.request.begin_new);
}

TEST(ControlWords, RefuseWhatTheyDoNotKnow) {
  EXPECT_EQ(ErrorOf(R"({"op": "dance"})"),
            "control socket: unknown word \"dance\"; use a ddl of the coordinator's version");
  EXPECT_EQ(ErrorOf(R"({"op": "act", "sweep": "s", "verb": "dance", "trials": []})"),
            "control socket: unknown verb \"dance\"; use a ddl of the coordinator's version");
  EXPECT_TRUE(ErrorOf("{").starts_with("control socket: not valid JSON"));
  EXPECT_TRUE(ErrorOf("{}").starts_with("control socket: "));
}

}  // namespace control_words_test
}  // namespace ddl
