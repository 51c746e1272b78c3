// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include <gtest/gtest.h>

#include "tests/cli/screen.h"

namespace ddl {
namespace table_test {

Table Sample() {
  Table table({{.title = "RANK", .is_number = true},
               {.title = "TRIAL", .is_number = true},
               {.title = "val_accuracy", .is_number = true},
               {.title = "optimizer.lr", .is_number = true, .drop = 1},
               {.title = "model.hidden", .drop = 2},
               {.title = "HOST", .drop = 3}});
  table.AddRow({{"1"}, {"17"}, {"0.8934"}, {"0.0123"}, {"[256,128]"}, {"local"}});
  table.AddRow(
      {{"2"}, {"117"}, {"0.893"}, {"1.2e-05"}, {"[512,512,512,512]"}, {"node-with-long-name"}});
  return table;
}

TEST(Table, AlignsNumbersRightAndTextLeft) {
  EXPECT_EQ(test::Joined(Sample().Lines(test::Plain(120))), R"(
RANK  TRIAL  val_accuracy  optimizer.lr  model.hidden       HOST
   1     17        0.8934        0.0123  [256,128]          local
   2    117         0.893       1.2e-05  [512,512,512,512]  node-with-long-name
)");
}

TEST(Table, ShortensTextBeforeItLeavesColumnsOut) {
  EXPECT_EQ(test::Joined(Sample().Lines(test::Plain(60))), R"(
RANK  TRIAL  val_accur…  optimizer…  model.hid…  HOST
   1     17      0.8934      0.0123  [256,128]   local
   2    117       0.893     1.2e-05  [512,512,…  node-with-…
)");
}

TEST(Table, LeavesTheLeastImportantColumnsOutAndSaysSo) {
  EXPECT_EQ(test::Joined(Sample().Lines(test::Plain(40))), R"(
RANK  TRIAL  val_accuracy  optimizer.lr
   1     17        0.8934        0.0123
   2    117         0.893       1.2e-05
not shown here: model.hidden HOST
)");
}

TEST(Table, NeverCutsANumber) {
  for (int width = 20; width < 90; ++width) {
    const auto lines = Sample().Lines(test::Plain(width));
    EXPECT_NE(lines[1].find("0.8934"), std::string::npos) << width;
    EXPECT_LE(test::Widest(lines), width);
  }
}

TEST(Table, IsNotCutInAPipe) {
  Table table({{.title = "A"}});
  table.AddRow({{std::string(200, 'x')}});
  EXPECT_EQ(table.Lines(test::Pipe()).back(), std::string(200, 'x'));
}

TEST(Table, CutsWithAnAsciiMarkWhereItMust) {
  const auto lines = Sample().Lines(test::Ascii(60));
  EXPECT_NE(lines.front().find("val_accur~"), std::string::npos);
}

TEST(Table, AlignsWideCharacters) {
  Table table({{.title = "NAME"}, {.title = "N", .is_number = true}});
  table.AddRow({{"日本語"}, {"1"}});
  table.AddRow({{"abc"}, {"22"}});
  EXPECT_EQ(test::Joined(table.Lines(test::Plain(80))), R"(
NAME     N
日本語   1
abc     22
)");
}

TEST(Table, PaintsWithoutBreakingTheAlignment) {
  Table table({{.title = "STATE"}, {.title = "N", .is_number = true}});
  table.AddRow({{"failed", Style::kBad}, {"1"}});
  EXPECT_EQ(test::Joined(table.Lines(test::Colored(80))),
            "\n\x1b[1mSTATE\x1b[0m   \x1b[1mN\x1b[0m\n\x1b[31mfailed\x1b[0m  1\n");
}

TEST(Table, LeavesNoSpacesAtTheEndsOfLines) {
  Table table({{.title = "A"}, {.title = "B"}});
  table.AddRow({{"x"}, {""}});
  EXPECT_EQ(test::Joined(table.Lines(test::Plain(80))), "\nA  B\nx\n");
}

}  // namespace table_test
}  // namespace ddl
