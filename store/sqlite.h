// SPDX-License-Identifier: Apache-2.0
// The only door to SQLite: owned connections and statements, checked calls, errors with a remedy.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sqlite3.h>

namespace ddl {

class Connection;

struct Blob {
  std::string_view bytes;
};

// Prepared once, run often. Columns and parameters are counted as SQLite does: from 0 and from 1.
class Statement {
 public:
  Statement(const Connection& connection, std::string_view sql);

  // Binds in order, from the first parameter on; an empty optional is NULL.
  template <class... Values>
  Statement& Bind(const Values&... values) {
    sqlite3_reset(statement_.get());
    int index = 0;
    (BindOne(++index, values), ...);
    return *this;
  }
  // True: a row is there. Throws Error.
  bool Step();
  // Ends a read before its last row: an open read keeps SQLite from copying the database.
  void Reset() { sqlite3_reset(statement_.get()); }
  // Runs to the end. The number of rows that were changed.
  int Run();

  [[nodiscard]] std::int64_t Int(int column) const;
  [[nodiscard]] double Real(int column) const;
  [[nodiscard]] std::string Text(int column) const;
  [[nodiscard]] bool IsNull(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  void BindOne(int index, std::int64_t value);
  void BindOne(int index, int value) { BindOne(index, std::int64_t{value}); }
  void BindOne(int index, double value);
  void BindOne(int index, std::string_view value);
  void BindOne(int index, Blob value);
  void BindOne(int index, const std::string& value) { BindOne(index, std::string_view(value)); }
  template <class Value>
  void BindOne(int index, const std::optional<Value>& value) {
    if (value) {
      BindOne(index, *value);
    } else {
      sqlite3_bind_null(statement_.get(), index);
    }
  }

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

enum class OpenAs : std::uint8_t { kWriter, kReader };

class Connection {
 public:
  // Throws Error.
  Connection(const std::string& path, OpenAs as);

  void Execute(const std::string& sql) const;
  [[nodiscard]] std::int64_t Number(const std::string& sql) const;  // first column of the first row
  [[nodiscard]] sqlite3* Get() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

// Throws the Error for the last failure of the connection.
[[noreturn]] void ThrowSqlite(sqlite3* handle, std::string_view doing);

}  // namespace ddl
