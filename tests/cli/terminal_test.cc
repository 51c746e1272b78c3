// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include <map>

#include <gtest/gtest.h>

#include "tests/cli/screen.h"

namespace ddl {
namespace terminal_test {

Terminal With(bool is_tty, std::map<std::string, std::string> variables) {
  TerminalFacts facts;
  facts.is_tty = is_tty;
  facts.columns = is_tty ? 100 : 0;
  facts.rows = is_tty ? 30 : 0;
  facts.variable = [variables = std::move(variables)](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  };
  return TerminalFrom(facts);
}

TEST(Terminal, HasColorOnATerminalOnly) {
  EXPECT_TRUE(With(true, {{"TERM", "xterm"}}).color);
  EXPECT_FALSE(With(false, {{"TERM", "xterm"}}).color);
  EXPECT_FALSE(With(true, {{"TERM", "xterm"}, {"NO_COLOR", "1"}}).color);
}

TEST(Terminal, ThatIsDumbCannotMoveItsCursor) {
  EXPECT_FALSE(With(true, {{"TERM", "dumb"}}).is_terminal);
}

TEST(Terminal, IsAsWideAsItsWindowUnlessColumnsSaysOtherwise) {
  EXPECT_EQ(With(true, {}).width, 100);
  EXPECT_EQ(With(true, {}).height, 30);
  EXPECT_EQ(With(true, {{"COLUMNS", "40"}}).width, 40);
  EXPECT_EQ(With(true, {{"COLUMNS", "wide"}}).width, 100);
  EXPECT_EQ(With(false, {}).width, 80);
}

TEST(Terminal, ShowsBlocksWhereTheLocaleCan) {
  EXPECT_TRUE(With(true, {{"LANG", "de_DE.UTF-8"}}).utf8);
  EXPECT_TRUE(With(true, {{"LANG", "C"}, {"LC_ALL", "C.utf8"}}).utf8);
  EXPECT_FALSE(With(true, {{"LANG", "de_DE.ISO-8859-1"}}).utf8);
  EXPECT_FALSE(With(true, {{"LC_CTYPE", "POSIX"}, {"LANG", "C.UTF-8"}}).utf8);
  EXPECT_TRUE(With(true, {{"TERM", "xterm-256color"}}).utf8);
  EXPECT_FALSE(With(true, {{"TERM", "linux"}}).utf8);
}

TEST(DisplayWidth, CountsColumnsAndNotBytes) {
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("größe"), 5);
  EXPECT_EQ(DisplayWidth("日本"), 4);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1);
  EXPECT_EQ(DisplayWidth("🙂"), 2);
  EXPECT_EQ(DisplayWidth("\x1b[1;31mred\x1b[0m"), 3);
  EXPECT_EQ(DisplayWidth("\xff\xfe"), 2);
}

TEST(Fit, LeavesAloneWhatFits) {
  EXPECT_EQ(Fit("abc", 3), "abc");
  EXPECT_EQ(Fit("", 0), "");
}

TEST(Fit, CutsAtWholeCharacters) {
  EXPECT_EQ(Fit("abcdef", 4), "abc…");
  EXPECT_EQ(Fit("日本語", 4), "日…");
  EXPECT_EQ(Fit("日本語", 5), "日本…");
  EXPECT_EQ(Fit("abc", 1), "…");
  EXPECT_EQ(Fit("abc", 0), "");
  EXPECT_EQ(Fit("abcdef", 4, "~"), "abc~");
}

TEST(Fit, NeverLeavesAColorOn) {
  EXPECT_EQ(Fit("\x1b[31mabcdef\x1b[0m", 4), "\x1b[31mabc…\x1b[0m");
}

TEST(Harmless, ShowsWhatWouldDriveTheTerminal) {
  EXPECT_EQ(Harmless("a\x1b]0;title\x07z"), "a^[]0;title^Gz");
  EXPECT_EQ(Harmless("\x7f"), "^?");
  EXPECT_EQ(Harmless("\xc2\x9b"
                     "31m"),
            "\\u009b31m");
  EXPECT_EQ(Harmless("user\u202Etxt"), "user\\u202etxt");
}

TEST(Harmless, KeepsLinesTabsAndLetters) {
  EXPECT_EQ(Harmless("a\tb\ngröße 日本"), "a\tb\ngröße 日本");
  EXPECT_EQ(Harmless("end\r\nnext"), "end\nnext");
}

TEST(Harmless, GivesEachStateOfAProgressBarItsLine) {
  EXPECT_EQ(Harmless(" 10%\r 20%\r"), " 10%\n 20%\n");
}

TEST(Harmless, ShowsBytesThatAreNoCharacters) {
  EXPECT_EQ(Harmless("a\xff"), "a\\xff");
  EXPECT_EQ(Harmless("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(Harmless("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(Harmless("\xe2\x82"), "\\xe2\\x82");           // cut short
}

TEST(OneLine, HasOneLine) {
  EXPECT_EQ(OneLine("a\nb\tc\n\n"), "a b c");
}

TEST(Painted, IsPlainWithoutColor) {
  EXPECT_EQ(Painted("x", Style::kBad, test::Colored(80)), "\x1b[31mx\x1b[0m");
  EXPECT_EQ(Painted("x", Style::kBad, test::Plain(80)), "x");
  EXPECT_EQ(Painted("", Style::kBad, test::Colored(80)), "");
}

TEST(Padding, CountsColumns) {
  EXPECT_EQ(PadRight("日", 4) + "|", "日  |");
  EXPECT_EQ(PadLeft("ü", 3), "  ü");
  EXPECT_EQ(PadLeft("long", 2), "long");
}

}  // namespace terminal_test
}  // namespace ddl
