// SPDX-License-Identifier: Apache-2.0
#include "cli/report_error.h"

#include <filesystem>
#include <string_view>

#include <fmt/format.h>

#include "cli/output.h"
#include "configs/json.h"

namespace ddl {

Error AsError(const std::system_error& problem) {
  const auto* file = dynamic_cast<const std::filesystem::filesystem_error*>(&problem);
  return {fmt::format("this host refuses something: {}", problem.code().message()),
          file == nullptr ? std::string_view(problem.what()) : file->path1().native(),
          "check the disk and what else is short here, then give the command again; what was "
          "recorded is there, and trials go on",
          ErrorKind::kInfrastructure};
}

Error NoMemory() {
  return {"no memory is left on this host", "",
          "end something else, then give the command again; what was recorded is there, and trials "
          "go on",
          ErrorKind::kInfrastructure};
}

int ReportError(const Error& error, bool json) {
  if (json) {
    const Json object{
        {"error", {{"what", error.Message()}, {"where", error.Where()}, {"hint", error.Hint()}}}};
    PrintAside(DumpJson(object) + "\n");
  } else {
    PrintAside(fmt::format("ddl: {}\n", error.what()));
  }
  return error.Kind() == ErrorKind::kUsage ? 2 : 3;
}

}  // namespace ddl
