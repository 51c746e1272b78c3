// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite.h"

#include <fmt/format.h>

#include "configs/error.h"

namespace ddl {

namespace {

std::string_view Remedy(int code) {
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return "free some disk space; nothing that was recorded is lost";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "ddl store check says more; ddl store rebuild brings back what was acknowledged, and "
             "keeps the file";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return "check that the folder exists and is yours to write";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another program writes to this database: end it";
    case SQLITE_IOERR:
      return "check the disk";
    default:
      return "this is a fault of ddl";
  }
}

// A file that is no database of ours, or a folder that is not ours to write: the user named it.
ErrorKind KindOf(int code) {
  switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return ErrorKind::kUsage;
    default:
      return ErrorKind::kInfrastructure;
  }
}

void Check(int code, sqlite3* handle, std::string_view doing) {
  if (code != SQLITE_OK) ThrowSqlite(handle, doing);
}

}  // namespace

void ThrowSqlite(sqlite3* handle, std::string_view doing) {
  const int code = sqlite3_extended_errcode(handle);
  const char* path = sqlite3_db_filename(handle, "main");
  throw Error(fmt::format("{}: {}", doing, sqlite3_errmsg(handle)), path == nullptr ? "" : path,
              Remedy(code), KindOf(code));
}

Statement::Statement(const Connection& connection, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  Check(sqlite3_prepare_v3(connection.Get(), sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &statement, nullptr),
        connection.Get(), "cannot prepare a statement");
  statement_.reset(statement);
}

bool Statement::Step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  sqlite3* handle = sqlite3_db_handle(statement_.get());
  sqlite3_reset(statement_.get());
  ThrowSqlite(handle, "cannot use the database");
}

int Statement::Run() {
  while (Step()) {
  }
  sqlite3_reset(statement_.get());
  return sqlite3_changes(sqlite3_db_handle(statement_.get()));
}

std::int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::Real(int column) const {
  return sqlite3_column_double(statement_.get(), column);
}

std::string Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return text == nullptr ? std::string() : std::string(text, static_cast<std::size_t>(size));
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

void Statement::BindOne(int index, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), index, value);
}

void Statement::BindOne(int index, double value) {
  sqlite3_bind_double(statement_.get(), index, value);
}

void Statement::BindOne(int index, std::string_view value) {
  sqlite3_bind_text(statement_.get(), index, value.data(), static_cast<int>(value.size()),
                    SQLITE_TRANSIENT);
}

void Statement::BindOne(int index, Blob value) {
  sqlite3_bind_blob(statement_.get(), index, value.bytes.data(),
                    static_cast<int>(value.bytes.size()), SQLITE_TRANSIENT);
}

Connection::Connection(const std::string& path, OpenAs as) {
  const int flags =
      as == OpenAs::kWriter ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) {
    throw Error(fmt::format("cannot open the database: {}", sqlite3_errmsg(handle)), path,
                Remedy(code), KindOf(code));
  }
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, 5000);
}

void Connection::Execute(const std::string& sql) const {
  Check(sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr), handle_.get(),
        "cannot use the database");
}

std::int64_t Connection::Number(const std::string& sql) const {
  Statement statement(*this, sql);
  return statement.Step() ? statement.Int(0) : 0;
}

}  // namespace ddl
