// SPDX-License-Identifier: Apache-2.0
#include "cli/refusal.h"

#include <string>

#include "configs/error_json.h"

namespace ddl {

std::optional<Error> RefusalIn(const Json& answer) {
  if (answer.at("ok").get<bool>()) return std::nullopt;
  if (answer.contains("what")) return ErrorFromJson(answer);
  return Error(answer.at("text").get<std::string>(), "", "");
}

}  // namespace ddl
