// SPDX-License-Identifier: Apache-2.0
#include "configs/host_entry.h"

#include "configs/error.h"

namespace ddl {

namespace {

std::optional<int> CountFrom(const Json& json, const char* key) {
  if (!json.contains(key)) return std::nullopt;
  const int count = WholeNumber<int>(json.at(key));
  if (count < 1) throw Error("a host's count is below 1", key, "write 1 or more");
  return count;
}

}  // namespace

Json ToJson(const HostEntry& entry) {
  Json json{{"name", entry.name}, {"address", entry.address}};
  if (!entry.labels.empty()) json["labels"] = entry.labels;
  for (const auto& [name, value] : entry.env) {
    json["env"].push_back(Json::array({name, value}));
  }
  if (!entry.setup.empty()) json["setup"] = entry.setup;
  if (entry.cpus) json["cpus"] = *entry.cpus;
  if (entry.gpus) json["gpus"] = *entry.gpus;
  if (entry.memory_mib > 0) json["memory_mib"] = entry.memory_mib;
  if (entry.parallel) json["parallel"] = *entry.parallel;
  return json;
}

HostEntry HostEntryFromJson(const Json& json) {
  HostEntry entry;
  entry.name = json.at("name").get<std::string>();
  entry.address = json.at("address").get<std::string>();
  if (json.contains("labels")) entry.labels = json.at("labels").get<std::vector<std::string>>();
  if (json.contains("setup")) entry.setup = json.at("setup").get<std::vector<std::string>>();
  if (json.contains("env")) {
    for (const Json& pair : json.at("env")) {
      entry.env.emplace_back(pair.at(0).get<std::string>(), pair.at(1).get<std::string>());
    }
  }
  if (json.contains("gpus")) {
    entry.gpus.emplace();
    for (const Json& index : json.at("gpus")) {
      entry.gpus->push_back(WholeNumber<int>(index));
    }
  }
  entry.cpus = CountFrom(json, "cpus");
  if (json.contains("memory_mib")) {
    entry.memory_mib = WholeNumber<std::int64_t>(json.at("memory_mib"));
  }
  entry.parallel = CountFrom(json, "parallel");
  return entry;
}

}  // namespace ddl
