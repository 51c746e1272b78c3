// SPDX-License-Identifier: Apache-2.0
// The inside of a reader, for the files that its queries are spread over.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/reader.h"
#include "store/sqlite.h"

namespace ddl {

struct StoreReader::State {
  explicit State(const std::string& folder);

  // One row's first column; "" when there is none.
  [[nodiscard]] std::string TextOf(std::string_view sql, SweepId sweep) const {
    Statement read(connection, sql);
    return read.Bind(sweep.value).Step() ? read.Text(0) : std::string();
  }
  void Count(SweepLine& line) const;
  void FindBest(SweepLine& line) const;
  void ReadObjectives(SweepLine& line) const;
  void ReadSearchNote(SweepLine& line) const;
  [[nodiscard]] std::vector<EventLine> ReadEvents(Statement& read) const;

  Connection connection;
  std::string id;
};

}  // namespace ddl
