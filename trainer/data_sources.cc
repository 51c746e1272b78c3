// SPDX-License-Identifier: Apache-2.0
#include "trainer/data_sources.h"

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configs/error.h"
#include "configs/nearest.h"
#include "trainer/csv.h"
#include "trainer/idx.h"
#include "trainer/image_folders.h"
#include "trainer/json_section.h"
#include "trainer/npy.h"
#include "trainer/raw.h"
#include "trainer/synthetic.h"
#include "trainer/text.h"
#include "trainer/whole_file.h"

namespace ddl {

namespace {

constexpr std::array<std::string_view, 10> kTypes{
    "fashion-mnist", "idx", "npy", "raw", "csv", "images", "text", "packed", "blobs", "spirals"};

std::string FoundNamed(JsonSection& section, std::string_view key, const DataPaths& paths,
                       bool is_needed) {
  const std::string name = section.Text(key, "");
  if (name.empty() && is_needed) {
    throw Error("no file", section.Name(key), "name the file to read");
  }
  return name.empty() ? name : FindDataFile(name, paths, "check the name, or set DDL_DATA");
}

// Whether `labels: real` says that targets are numbers and no classes.
bool HasRealTargets(JsonSection& section) {
  constexpr std::array<std::string_view, 2> kLabels{"classes", "real"};
  return section.Choice("labels", 0, kLabels) == 1;
}

// Two pairs of files of one format, the second may be missing.
DataSources PairsOf(const PairedFiles& files, const OpenElements& open, const std::string& name,
                    const std::vector<std::string>& class_names) {
  return {
      .files = {files.train_features, files.train_labels, files.test_features, files.test_labels},
      .names = {},
      .open = [=] { return OpenPairs(files, open, name, class_names); }};
}

DataSources FashionSources(const JsonSection& section, const DataPaths& paths) {
  section.Finish();
  constexpr std::string_view kHint =
      "install Debian's package dataset-fashion-mnist, or name its folder's parent by DDL_DATA";
  const auto file = [&paths](const char* name) {
    return FindDataFile(fmt::format("fashion-mnist/{}.gz", name), paths, kHint);
  };
  return PairsOf({.train_features = file("train-images-idx3-ubyte"),
                  .train_labels = file("train-labels-idx1-ubyte"),
                  .test_features = file("t10k-images-idx3-ubyte"),
                  .test_labels = file("t10k-labels-idx1-ubyte")},
                 OpenIdx, "fashion-mnist",
                 {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                  "Sneaker", "Bag", "Ankle boot"});
}

DataSources PairSources(JsonSection section, const DataPaths& paths, const char* name,
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
  return PairsOf(files, open, name, {});
}

// A column's name, or its number.
std::string ColumnName(const Json& column, const std::string& key) {
  if (column.is_string()) return column.get<std::string>();
  if (column.is_number_unsigned()) return DumpJson(column);
  throw Error(fmt::format("{} is no column", DumpJson(column)), key,
              "write names of columns, or numbers from 1");
}

std::vector<std::string> ColumnNames(JsonSection& section, std::string_view key) {
  const Json& columns = section.Raw(key);
  std::vector<std::string> names;
  if (columns.is_null()) return names;
  if (!columns.is_array()) {
    throw Error(fmt::format("{} is no list", DumpJson(columns)), section.Name(key),
                "write columns in brackets: [colour, size]");
  }
  for (const Json& column : columns) {
    names.push_back(ColumnName(column, section.Name(key)));
  }
  return names;
}

DataSources CsvSources(JsonSection section, const DataPaths& paths) {
  constexpr std::array<std::string_view, 3> kMissing{"error", "mean", "drop"};
  constexpr std::uint64_t kMostCategories = 65'536;
  const std::string train = FoundNamed(section, "train", paths, true);
  const std::string test = FoundNamed(section, "test", paths, false);
  CsvFormat format;
  const Json& label = section.Raw("label");
  if (!label.is_null()) format.label = ColumnName(label, section.Name("label"));
  if (section.Has("header")) format.has_header = section.Flag("header", true);
  const std::string delimiter = section.Text("delimiter", ",");
  if (delimiter.size() != 1 || delimiter == "\"" || delimiter == "\n") {
    throw Error(fmt::format("'{}' is no delimiter", delimiter), section.Name("delimiter"),
                "give one character, such as ; or a tab");
  }
  format.delimiter = delimiter[0];
  format.categories = ColumnNames(section, "categories");
  format.ignored = ColumnNames(section, "ignore");
  format.most_categories = section.Count("most_categories", format.most_categories, 1);
  format.missing = static_cast<MissingValues>(section.Choice("missing", 0, kMissing));
  (void)section.Raw("header");
  format.has_real_targets = HasRealTargets(section);
  section.Finish();
  if (format.most_categories > kMostCategories) {
    throw Error(fmt::format("{} categories", format.most_categories),
                section.Name("most_categories"), fmt::format("give at most {}", kMostCategories));
  }
  return {
      .files = {train, test}, .names = {}, .open = [=] { return OpenCsv(train, test, format); }};
}

DataSources RawSources(JsonSection section, const DataPaths& paths) {
  RawFiles files{.train = FoundNamed(section, "train", paths, true),
                 .train_labels = FoundNamed(section, "train_labels", paths, false),
                 .test = FoundNamed(section, "test", paths, false),
                 .test_labels = FoundNamed(section, "test_labels", paths, false)};
  std::string sidecar = FoundNamed(section, "sidecar", paths, false);
  if (sidecar.empty()) {
    sidecar =
        FindDataFile(section.Text("train", "") + ".json", paths,
                     "describe the records there (docs/trainer.md), or name the file by sidecar");
  }
  section.Finish();
  if (!paths.looks_for_files) return {};
  const RawLayout layout = ReadRawLayout(ParseJson(ReadWholeFile(sidecar), sidecar), sidecar);
  const bool needs_files = layout.place == LabelPlace::kFile;
  const bool has_files =
      !files.train_labels.empty() && (files.test.empty() || !files.test_labels.empty());
  const bool has_any = !files.train_labels.empty() || !files.test_labels.empty();
  if (needs_files ? !has_files : has_any) {
    throw Error(needs_files ? "labels lie in files of their own, and one is not named"
                            : "files of labels, and labels beside the features",
                "data", "name train_labels and test_labels where label.place is file, else none");
  }
  return {.files = {files.train, files.train_labels, files.test, files.test_labels, sidecar},
          .names = {},
          .open = [=] { return OpenRaw(files, layout); }};
}

DataSources ImageSources(JsonSection section, const DataPaths& paths) {
  constexpr std::size_t kMostSide = 4096;
  constexpr std::array<std::string_view, 2> kChannels{"1", "3"};
  ImageFolders folders{.train = FoundNamed(section, "train", paths, true),
                       .test = FoundNamed(section, "test", paths, false)};
  const std::vector<std::size_t> size = section.Counts("size");
  if (section.Has("size")) {
    if (size.size() != 2 || size[0] > kMostSide || size[1] > kMostSide) {
      throw Error(fmt::format("{} numbers", size.size()), section.Name("size"),
                  fmt::format("write [height, width], each at most {}", kMostSide));
    }
    folders.size = {size[0], size[1]};
  }
  const std::size_t channels = section.Choice("channels", 0, kChannels) == 0 ? 1 : 3;
  if (section.Has("channels")) folders.channels = channels;
  section.Finish();
  if (!paths.looks_for_files) return {};
  ImageListing listing = ListImages(folders);
  DataSources sources;
  for (const std::string& name : listing.classes) {
    sources.names += name + "/";
  }
  for (const auto* part : {&listing.train, &listing.test}) {
    for (const LabelledFile& file : *part) {
      sources.files.push_back(file.path);
    }
  }
  sources.open = [=] { return OpenImages(folders, listing); };
  return sources;
}

DataSources TextSources(JsonSection section, const DataPaths& paths) {
  const std::string train = FoundNamed(section, "train", paths, true);
  const std::string test = FoundNamed(section, "test", paths, false);
  (void)section.Raw("context");  // how it is cut is not part of it
  section.Finish();
  return {.files = {train, test}, .names = {}, .open = [=] {
            return SourceOf(ReadText(train, test), train);
          }};
}

DataSources SyntheticSources(JsonSection section, std::string_view type) {
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
  return {.files = {}, .names = {}, .open = [=] {
            return SourceOf(is_blobs ? MakeBlobs(settings) : MakeSpirals(settings), "data");
          }};
}

}  // namespace

bool IsMadeUp(std::string_view type) {
  return type == "blobs" || type == "spirals";
}

std::string FindDataFile(const std::string& name, const DataPaths& paths, std::string_view hint) {
  if (!paths.looks_for_files) return name;
  if (std::filesystem::exists(name)) return std::filesystem::absolute(name).lexically_normal();
  std::string looked = std::filesystem::current_path();
  for (const std::filesystem::path& folder : paths.search) {
    if (std::filesystem::exists(folder / name)) return folder / name;
    looked += ", " + folder.string();
  }
  throw Error(fmt::format("no file {} (looked in {})", name, looked), "data", hint);
}

DataSources FindDataSources(const Json& config, const DataPaths& paths) {
  JsonSection section(config, "data");
  const std::string type = section.Text("type", "");
  if (type == "fashion-mnist") return FashionSources(section, paths);
  if (type == "idx") return PairSources(std::move(section), paths, "idx", OpenIdx);
  if (type == "npy") return PairSources(std::move(section), paths, "npy", OpenNpy);
  if (type == "raw") return RawSources(std::move(section), paths);
  if (type == "csv") return CsvSources(std::move(section), paths);
  if (type == "images") return ImageSources(std::move(section), paths);
  if (type == "text") return TextSources(std::move(section), paths);
  if (IsMadeUp(type)) return SyntheticSources(std::move(section), type);
  const std::string nearest = NearestName(type, kTypes);
  throw Error(type.empty() ? "no type of data" : fmt::format("unknown data '{}'", type), "data",
              nearest.empty() ? fmt::format("{} are known", fmt::join(kTypes, ", "))
                              : fmt::format("did you mean '{}'?", nearest));
}

}  // namespace ddl
