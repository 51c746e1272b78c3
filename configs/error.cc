// SPDX-License-Identifier: Apache-2.0
#include "configs/error.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace ddl {

namespace {

std::string Join(std::string_view what, std::string_view where, std::string_view hint) {
  std::string text = where.empty() ? std::string() : fmt::format("{}: ", where);
  text += what;
  if (!hint.empty()) text += fmt::format("; {}", hint);
  return text;
}

}  // namespace

Error::Error(std::string_view what, std::string_view where, std::string_view hint, ErrorKind kind)
    : std::runtime_error(Join(what, where, hint)),
      message_(what),
      where_(where),
      hint_(hint),
      kind_(kind) {}

Error SystemError(std::string_view doing, std::string_view where, std::string_view hint) {
  const int code = errno;
  return {fmt::format("{}: {}", doing, std::strerror(code)), where, hint,
          ErrorKind::kInfrastructure};
}

}  // namespace ddl
