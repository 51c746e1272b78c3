// SPDX-License-Identifier: Apache-2.0
#include "configs/error_json.h"

#include <string>

namespace ddl {

Json ErrorToJson(const Error& error) {
  const bool is_usage = error.Kind() == ErrorKind::kUsage;
  return {{"what", error.Message()},
          {"where", error.Where()},
          {"hint", error.Hint()},
          {"kind", is_usage ? "usage" : "infrastructure"}};
}

Error ErrorFromJson(const Json& json) {
  const auto text = [&json](const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const bool is_usage = text("kind") != "infrastructure";
  return {text("what"), text("where"), text("hint"),
          is_usage ? ErrorKind::kUsage : ErrorKind::kInfrastructure};
}

}  // namespace ddl
