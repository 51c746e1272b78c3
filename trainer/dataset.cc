// SPDX-License-Identifier: Apache-2.0
#include "trainer/dataset.h"

#include <cstdlib>
#include <utility>

#include "configs/error.h"
#include "trainer/data_sources.h"
#include "trainer/dataset_memory.h"
#include "trainer/json_section.h"
#include "trainer/packed_file.h"
#include "trainer/prepared.h"
#include "trainer/text.h"

namespace ddl {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kContext = 64;

std::string TypeOf(const Json& config) {
  return JsonSection(config, "data").Text("type", "");
}

// What decides how data are prepared: a text is the same in every context.
Json KeyOf(const Json& config) {
  if (config.is_string()) return {{"type", config}};
  Json key = config;
  const std::string type = TypeOf(config);
  if (type == "text" || type == "packed") key.erase("context");
  return key;
}

// Of a text, as `config` cuts it.
Dataset Cut(Dataset set, const Json& config, const std::string& where) {
  if (set.context > 0) {
    CutIntoContexts(set, JsonSection(config, "data").Count("context", kContext, 1), where);
  }
  return set;
}

Dataset LoadBrought(const Json& config, const DataPaths& paths) {
  const fs::path path = paths.prepared / PreparedName(DumpJson(KeyOf(config)));
  std::optional<Dataset> set = MapPrepared(path);
  if (set) return Cut(*std::move(set), config, path.string());
  throw Error("the prepared data were not brought along, or are damaged", path.string(),
              "start the sweep again: ddl sweep");
}

std::string FindPacked(const Json& config, const DataPaths& paths) {
  JsonSection section(config, "data");
  (void)section.Text("type", "");
  const std::string name = section.Text("file", "");
  (void)section.Count("context", kContext, 1);
  section.Finish();
  if (name.empty()) throw Error("no file", section.Name("file"), "name what ddl data pack wrote");
  return FindDataFile(name, paths, "check the name, or set DDL_DATA");
}

Dataset LoadPacked(const Json& config, const DataPaths& paths) {
  const std::string path = FindPacked(config, paths);
  auto mapped = MapPacked(path);
  if (const auto* damaged = std::get_if<DamagedData>(&mapped)) {
    throw Error("no whole packed data: " + damaged->why, path, "pack it again: ddl data pack");
  }
  Dataset& set = std::get<Dataset>(mapped);
  if (const JsonSection section(config, "data"); section.Has("context") && set.context == 0) {
    throw Error("a context of data that are no text", section.Name("context"), "leave it away");
  }
  return Cut(std::move(set), config, path);
}

}  // namespace

DataPaths DataPathsFromEnvironment() {
  DataPaths paths;
  const auto text = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  std::string folders = text("DDL_DATA");
  while (!folders.empty()) {
    const std::size_t end = std::min(folders.find(':'), folders.size());
    if (end > 0) paths.search.emplace_back(folders.substr(0, end));
    folders.erase(0, end + 1);
  }
  paths.search.emplace_back("/usr/share/datasets");
  if (const std::string cache = text("DDL_CACHE"); !cache.empty()) {
    paths.cache = cache;
  } else if (const std::string xdg = text("XDG_CACHE_HOME"); !xdg.empty()) {
    paths.cache = fs::path(xdg) / "ddl";
  } else if (const std::string home = text("HOME"); !home.empty()) {
    paths.cache = fs::path(home) / ".cache" / "ddl";
  }
  paths.prepared = text("DDL_PREPARED");
  return paths;
}

Dataset LoadDataset(const Json& config, const DataPaths& paths) {
  const std::string type = TypeOf(config);
  if (!paths.prepared.empty() && !IsMadeUp(type)) return LoadBrought(config, paths);
  if (type == "packed") return LoadPacked(config, paths);
  const DataSources sources = FindDataSources(config, paths);
  if (IsMadeUp(type)) return KeepInMemory(ReadAll(*sources.open()));
  const std::string key = DumpJson(KeyOf(config)) + sources.names;
  Dataset set = LoadPrepared(paths.cache, SourceKey(key, sources.files), sources.open);
  return Cut(std::move(set), config, sources.files.front());
}

void CheckData(const Json& config, const DataPaths& paths) {
  if (TypeOf(config) == "packed") {
    (void)FindPacked(config, paths);
  } else {
    (void)FindDataSources(config, paths);
  }
}

void PackDataset(const Json& config, const DataPaths& paths, const fs::path& path) {
  if (TypeOf(config) == "packed") {
    throw Error("it is packed", "data", "copy the file, or name what it was packed of");
  }
  WritePacked(path, *FindDataSources(config, paths).open());
}

std::optional<PreparedData> PrepareDataset(const Json& config, const DataPaths& paths) {
  if (IsMadeUp(TypeOf(config))) return std::nullopt;
  const Dataset set = LoadDataset(config, paths);
  if (set.file.empty()) {
    throw Error("prepared data cannot be kept", paths.cache.string(),
                "name another folder by DDL_CACHE", ErrorKind::kInfrastructure);
  }
  return PreparedData{PreparedName(DumpJson(KeyOf(config))), set.file};
}

}  // namespace ddl
