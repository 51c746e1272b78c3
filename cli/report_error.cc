// SPDX-License-Identifier: Apache-2.0
#include "cli/report_error.h"

#include <fmt/format.h>

#include "configs/json.h"

namespace ddl {

int ReportError(const Error& error, bool json) {
  if (json) {
    const Json object{
        {"error", {{"what", error.Message()}, {"where", error.Where()}, {"hint", error.Hint()}}}};
    fmt::print(stderr, "{}\n", DumpJson(object));
  } else {
    fmt::print(stderr, "ddl: {}\n", error.what());
  }
  return error.Kind() == ErrorKind::kUsage ? 2 : 3;
}

}  // namespace ddl
