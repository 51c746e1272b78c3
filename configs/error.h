// SPDX-License-Identifier: Apache-2.0
// The one exception of ddl: the command cannot go on. What happens to a trial or a host is never an
// exception but a value in an event.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ddl {

// Who can mend it; decides the exit code of the command (2 or 3).
enum class ErrorKind : std::uint8_t { kUsage, kInfrastructure };

// `what` went wrong, `where` (file:line:col, a path, a key; may be empty), and the `hint`: what to
// do.
class Error : public std::runtime_error {
 public:
  Error(std::string_view what, std::string_view where, std::string_view hint,
        ErrorKind kind = ErrorKind::kUsage);

  [[nodiscard]] const std::string& Message() const { return message_; }
  [[nodiscard]] const std::string& Where() const { return where_; }
  [[nodiscard]] const std::string& Hint() const { return hint_; }
  [[nodiscard]] ErrorKind Kind() const { return kind_; }

 private:
  std::string message_;
  std::string where_;
  std::string hint_;
  ErrorKind kind_;
};

// An infrastructure error from the operating system: `doing` names the call's purpose, errno is
// read.
[[nodiscard]] Error SystemError(std::string_view doing, std::string_view where,
                                std::string_view hint);

}  // namespace ddl
