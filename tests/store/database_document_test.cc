// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "store/sqlite.h"
#include "tests/store/sample_changes.h"

namespace ddl {
namespace database_document_test {

TEST(DatabaseDocument, NamesEveryTableAndColumn) {
  const SampleStore folder;
  {
    const Store store = Store::Open(folder.Path());
  }
  std::ifstream stream(std::string(DDL_SOURCE_DIR) + "/docs/database.md");
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  const Connection connection(folder.Database(), OpenAs::kReader);
  Statement read(connection,
                 "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c "
                 "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'");
  int columns = 0;
  for (; read.Step(); ++columns) {
    const std::size_t row = text.find("| `" + read.Text(0) + "` |");
    ASSERT_NE(row, std::string::npos) << read.Text(0);
    const std::string line = text.substr(row, text.find('\n', row) - row);
    EXPECT_NE(line.find("`" + read.Text(1) + "`"), std::string::npos)
        << read.Text(0) << "." << read.Text(1);
  }
  EXPECT_GT(columns, 60);
}

}  // namespace database_document_test
}  // namespace ddl
