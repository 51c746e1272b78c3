// SPDX-License-Identifier: Apache-2.0
#include "trainer/dataset.h"

#include <array>
#include <cstdlib>
#include <functional>
#include <string_view>

#include <fmt/format.h>

#include "configs/error.h"
#include "configs/nearest.h"
#include "trainer/csv.h"
#include "trainer/dataset_memory.h"
#include "trainer/idx.h"
#include "trainer/json_section.h"
#include "trainer/npy.h"
#include "trainer/prepared.h"
#include "trainer/synthetic.h"
#include "trainer/text.h"

namespace ddl {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kContext = 64;
constexpr std::array<std::string_view, 7> kTypes{"fashion-mnist", "idx",     "csv", "npy",
                                                 "blobs",         "spirals", "text"};

// The file as named, or below one of the search folders.
std::string Found(const std::string& name, const DataPaths& paths, std::string_view hint) {
  if (fs::exists(name)) return fs::absolute(name).lexically_normal();
  std::string looked = fs::current_path();
  for (const fs::path& folder : paths.search) {
    if (fs::exists(folder / name)) return folder / name;
    looked += ", " + folder.string();
  }
  throw Error(fmt::format("no file {} (looked in {})", name, looked), "data", hint);
}

std::string FoundNamed(JsonSection& section, std::string_view key, const DataPaths& paths,
                       bool is_needed) {
  const std::string name = section.Text(key, "");
  if (name.empty() && is_needed) {
    throw Error("no file", section.Name(key), "name the file to read");
  }
  return name.empty() ? name : Found(name, paths, "check the name, or set DDL_DATA");
}

// Whether `labels: real` says that targets are numbers and no classes.
bool HasRealTargets(JsonSection& section) {
  constexpr std::array<std::string_view, 2> kLabels{"classes", "real"};
  return section.Choice("labels", 0, kLabels) == 1;
}

// Two pairs of files of one format, the second may be missing.
Dataset LoadPairs(const DataPaths& paths, const Json& config, const PairedFiles& files,
                  const OpenElements& open, const std::string& name) {
  const std::vector<std::string> sources{files.train_features, files.train_labels,
                                         files.test_features, files.test_labels};
  std::vector<std::string> classes;
  if (name == "fashion-mnist") {
    classes = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
               "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
  }
  return LoadPrepared(paths.cache, SourceKey(DumpJson(config), sources),
                      [&] { return OpenPairs(files, open, name, classes); });
}

Dataset LoadFashion(const JsonSection& section, const Json& config, const DataPaths& paths) {
  section.Finish();
  std::array<std::string, 4> files;
  constexpr std::array<const char*, 4> kNames{"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                              "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
  constexpr std::string_view kHint =
      "install Debian's package dataset-fashion-mnist, or name its folder's parent by DDL_DATA";
  for (std::size_t i = 0; i < files.size(); ++i) {
    files[i] = Found(fmt::format("fashion-mnist/{}.gz", kNames[i]), paths, kHint);
  }
  return LoadPairs(paths, config, {files[0], files[1], files[2], files[3], false}, OpenIdx,
                   "fashion-mnist");
}

Dataset LoadFiles(JsonSection section, const Json& config, const DataPaths& paths, const char* name,
                  const OpenElements& open) {
  const PairedFiles files{FoundNamed(section, "train_features", paths, true),
                          FoundNamed(section, "train_labels", paths, true),
                          FoundNamed(section, "test_features", paths, false),
                          FoundNamed(section, "test_labels", paths, false),
                          HasRealTargets(section)};
  section.Finish();
  if (files.test_features.empty() != files.test_labels.empty()) {
    throw Error("test features without labels, or labels without features", "data",
                "name both test_features and test_labels, or none");
  }
  return LoadPairs(paths, config, files, open, name);
}

Dataset LoadCsv(JsonSection section, const Json& config, const DataPaths& paths) {
  const std::string train = FoundNamed(section, "train", paths, true);
  const std::string test = FoundNamed(section, "test", paths, false);
  CsvFormat format{.label = section.Text("label", "")};
  if (section.Has("header")) format.has_header = section.Flag("header", true);
  const std::string delimiter = section.Text("delimiter", ",");
  if (delimiter.size() != 1 || delimiter == "\"" || delimiter == "\n") {
    throw Error(fmt::format("'{}' is no delimiter", delimiter), section.Name("delimiter"),
                "give one character, such as ; or a tab");
  }
  format.delimiter = delimiter[0];
  (void)section.Raw("header");
  const bool has_real_targets = HasRealTargets(section);
  section.Finish();
  return LoadPrepared(paths.cache, SourceKey(DumpJson(config), {train, test}), [&] {
    const CsvTable rows = ReadCsvTable(train, format);
    const CsvTable test_rows = test.empty() ? CsvTable{} : ReadCsvTable(test, format);
    return SourceOf(has_real_targets ? RegressionOf(rows, train, test_rows, test)
                                     : DataOf(rows, train, test_rows, test),
                    train);
  });
}

std::string TypeOf(const Json& config) {
  return JsonSection(config, "data").Text("type", "");
}

bool IsMadeUp(std::string_view type) {
  return type == "blobs" || type == "spirals";
}

// What decides how data are prepared: a text is the same in every context.
Json KeyOf(const Json& config) {
  if (config.is_string()) return {{"type", config}};
  Json key = config;
  if (TypeOf(config) == "text") key.erase("context");
  return key;
}

Dataset LoadText(JsonSection section, const Json& config, const DataPaths& paths) {
  const std::string train = FoundNamed(section, "train", paths, true);
  const std::string test = FoundNamed(section, "test", paths, false);
  const std::size_t context = section.Count("context", kContext, 1);
  section.Finish();
  Dataset set = LoadPrepared(paths.cache, SourceKey(DumpJson(KeyOf(config)), {train, test}),
                             [&] { return SourceOf(ReadText(train, test), train); });
  CutIntoContexts(set, context, train);
  return set;
}

Dataset LoadBrought(JsonSection section, const Json& config, const DataPaths& paths) {
  const std::filesystem::path path = paths.prepared / PreparedName(DumpJson(KeyOf(config)));
  std::optional<Dataset> set = MapPrepared(path);
  if (!set) {
    throw Error("the prepared data were not brought along, or are damaged", path.string(),
                "start the sweep again: ddl sweep");
  }
  if (set->context > 0) CutIntoContexts(*set, section.Count("context", kContext, 1), path.string());
  return *std::move(set);
}

Dataset LoadSynthetic(JsonSection section, std::string_view type) {
  const bool is_blobs = type == "blobs";
  SyntheticSettings settings;
  settings.rows = section.Count("rows", settings.rows, 1);
  settings.test_rows = section.Count("test_rows", settings.test_rows);
  if (is_blobs) settings.features = section.Count("features", settings.features, 1);
  settings.classes = section.Count("classes", is_blobs ? 4 : 2, 2);
  settings.noise = section.Number("noise", is_blobs ? 1.0 : 0.02, {});
  settings.seed = section.Count("seed", 0);
  section.Finish();
  constexpr std::size_t kMostValues = std::size_t{1} << 30U;
  if (settings.rows + settings.test_rows > kMostValues / settings.features) {
    throw Error("more than 4 GiB of made-up data", section.Name("rows"), "make fewer rows");
  }
  if (settings.rows < settings.classes) {
    throw Error(fmt::format("{} rows of {} classes", settings.rows, settings.classes),
                section.Name("rows"), "make at least one row a class");
  }
  return KeepInMemory(is_blobs ? MakeBlobs(settings) : MakeSpirals(settings));
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
  JsonSection section(config, "data");
  const std::string type = section.Text("type", "");
  if (!paths.prepared.empty() && !IsMadeUp(type)) {
    return LoadBrought(std::move(section), config, paths);
  }
  if (type == "fashion-mnist") return LoadFashion(std::move(section), config, paths);
  if (type == "idx") return LoadFiles(std::move(section), config, paths, "idx", OpenIdx);
  if (type == "npy") return LoadFiles(std::move(section), config, paths, "npy", OpenNpy);
  if (type == "csv") return LoadCsv(std::move(section), config, paths);
  if (type == "text") return LoadText(std::move(section), config, paths);
  if (IsMadeUp(type)) return LoadSynthetic(std::move(section), type);
  const std::string nearest = NearestName(type, kTypes);
  throw Error(type.empty() ? "no type of data" : fmt::format("unknown data '{}'", type), "data",
              nearest.empty() ? "fashion-mnist, idx, csv, npy, text, blobs and spirals are known"
                              : fmt::format("did you mean '{}'?", nearest));
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
