// SPDX-License-Identifier: Apache-2.0
#include "trainer/prepared.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <memory>
#include <span>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "configs/error.h"
#include "configs/json.h"
#include "trainer/durable_file.h"

namespace ddl {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHeaderBytes = 4096;
constexpr std::size_t kAlign = 64;
constexpr int kLayoutVersion = 1;

std::size_t Aligned(std::size_t bytes) {
  return (bytes + kAlign - 1) / kAlign * kAlign;
}

std::uint32_t Crc(std::string_view text) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size()));
}

// FNV-1a.
std::uint64_t HashOf(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return hash;
}

template <class Element>
std::string_view Bytes(const std::vector<Element>& elements) {
  return {reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(Element)};
}

std::array<std::string_view, 4> Parts(const ReadData& data) {
  const auto features = [&](const Records& part) {
    return data.is_bytes ? Bytes(part.bytes) : Bytes(part.reals);
  };
  return {features(data.train), Bytes(data.train.labels), features(data.test),
          Bytes(data.test.labels)};
}

// A text has no labels: its rows are its tokens.
std::size_t RowsOf(const ReadData& data, const Records& part) {
  return data.context > 0 ? part.bytes.size() : part.Rows();
}

// The whole file as text.
std::string Pack(const ReadData& data) {
  std::string body;
  Json offsets = Json::array();
  for (const std::string_view part : Parts(data)) {
    offsets.push_back(kHeaderBytes + body.size());
    body.append(part);
    body.resize(Aligned(body.size()));
  }
  const Json header{{"version", kLayoutVersion},
                    {"name", data.name},
                    {"shape", data.shape},
                    {"classes", data.classes},
                    {"class_names", data.class_names},
                    {"is_bytes", data.is_bytes},
                    {"is_text", data.context > 0},
                    {"train_rows", RowsOf(data, data.train)},
                    {"test_rows", RowsOf(data, data.test)},
                    {"offsets", offsets},
                    {"bytes", kHeaderBytes + body.size()}};
  const Json whole{{"header", header}, {"crc", Crc(DumpJson(header))}};
  std::string text = DumpJson(whole) + "\n";
  if (text.size() > kHeaderBytes) {
    throw Error("too many or too long class names", data.name, "use class numbers as labels");
  }
  text.resize(kHeaderBytes, ' ');
  return text + body;
}

// What a header says that its file cannot hold. Never leaves this file: the data is made anew.
class DamagedFile : public std::exception {};

std::size_t Product(std::size_t a, std::size_t b) {
  std::size_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) throw DamagedFile();
  return product;
}

template <class Element>
std::span<const Element> PartAt(std::string_view file, const Json& offset_json, std::size_t count) {
  const auto offset = WholeNumber<std::size_t>(offset_json);
  const bool lies_within = offset % alignof(Element) == 0 && offset <= file.size() &&
                           count <= (file.size() - offset) / sizeof(Element);
  if (!lies_within) throw DamagedFile();
  return {reinterpret_cast<const Element*>(file.data() + offset), count};
}

Split SplitAt(std::string_view file, const Json& header, const Dataset& set, std::size_t first_part,
              const char* rows_key) {
  const auto rows = WholeNumber<std::size_t>(header.at(rows_key));
  const std::size_t values = Product(rows, set.features);
  const Json& offsets = header.at("offsets");
  Split split;
  if (header.at("is_bytes").get<bool>()) {
    split.features = PartAt<std::uint8_t>(file, offsets.at(first_part), values);
  } else {
    split.features = PartAt<float>(file, offsets.at(first_part), values);
  }
  // A label indexes the outputs of a network, a token the rows of its embedding; other features do
  // not index anything.
  if (header.value("is_text", false)) {
    const auto* tokens = std::get_if<std::span<const std::uint8_t>>(&split.features);
    const auto is_token = [&set](std::uint8_t token) { return token < set.classes; };
    if (tokens == nullptr || !std::ranges::all_of(*tokens, is_token)) throw DamagedFile();
    return split;
  }
  split.labels = PartAt<std::int32_t>(file, offsets.at(first_part + 1), rows);
  const auto is_class = [&set](std::int32_t label) {
    return label >= 0 && static_cast<std::size_t>(label) < set.classes;
  };
  if (!std::ranges::all_of(split.labels, is_class)) throw DamagedFile();
  return split;
}

Dataset DatasetOf(std::unique_ptr<const DatasetMemory> memory, std::string_view file,
                  const Json& header) {
  Dataset set;
  set.name = header.at("name").get<std::string>();
  set.features = 1;
  for (const Json& size : header.at("shape")) {
    set.shape.push_back(WholeNumber<std::size_t>(size));
    set.features = Product(set.features, set.shape.back());
  }
  set.classes = WholeNumber<std::size_t>(header.at("classes"));
  set.class_names = header.at("class_names").get<std::vector<std::string>>();
  set.context = header.value("is_text", false) ? set.features : 0;
  set.train = SplitAt(file, header, set, 0, "train_rows");
  set.test = SplitAt(file, header, set, 2, "test_rows");
  set.memory = std::move(memory);
  return set;
}

// Held while one process prepares; the others wait and find it done. Gone with the process.
class FileLock {
 public:
  explicit FileLock(const fs::path& path)
      : fd_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (fd_ < 0 || flock(fd_, LOCK_EX) != 0) {
      throw SystemError("cannot lock", path.string(), "name another folder by DDL_CACHE");
    }
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() { close(fd_); }

 private:
  int fd_;
};

}  // namespace

std::string SourceKey(const std::string& configuration, const std::vector<std::string>& files) {
  std::string key = fmt::format("v{} {}", kLayoutVersion, configuration);
  for (const std::string& file : files) {
    struct stat status{};
    if (stat(file.c_str(), &status) != 0) continue;  // its reader will say so
    key += fmt::format("\n{} {} {}.{:09}", fs::absolute(file).string(), status.st_size,
                       status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  }
  return key;
}

std::optional<Dataset> MapPrepared(const fs::path& path) {
  std::optional<MappedFile> mapped = MappedFile::Open(path);
  if (!mapped || mapped->Bytes().size() < kHeaderBytes) return std::nullopt;
  const std::string_view file = mapped->Bytes();
  const std::size_t bytes = file.size();
  auto memory = std::make_unique<const DatasetMemory>(*std::move(mapped));
  try {
    const Json whole = ParseJson(file.substr(0, kHeaderBytes), path.string());
    const Json& header = whole.at("header");
    const bool is_whole = WholeNumber<std::size_t>(header.at("bytes")) == bytes &&
                          WholeNumber<std::uint32_t>(whole.at("crc")) == Crc(DumpJson(header));
    if (!is_whole || header.at("version") != kLayoutVersion) return std::nullopt;
    Dataset set = DatasetOf(std::move(memory), file, header);
    set.file = path;
    return set;
  } catch (const std::exception&) {  // damaged: it is made anew
    return std::nullopt;
  }
}

// Two hashes of the key, as nothing else of it is kept.
std::string PreparedName(const std::string& key) {
  return fmt::format("data-{:016x}{:08x}.ddl", HashOf(key), Crc(key));
}

Dataset LoadPrepared(const fs::path& cache, const std::string& key,
                     const std::function<ReadData()>& read) {
  if (cache.empty()) return KeepInMemory(read());
  const fs::path path = cache / PreparedName(key);
  if (std::optional<Dataset> found = MapPrepared(path)) return *std::move(found);
  std::optional<ReadData> data;
  try {
    fs::create_directories(cache);
    const FileLock lock(path.string() + ".lock");
    if (std::optional<Dataset> found = MapPrepared(path)) return *std::move(found);
    data = read();
    WriteDurably(path, Pack(*data));
  } catch (const fs::filesystem_error& problem) {
    fmt::print(stderr, "note: prepared data cannot be kept: {}\n", problem.what());
  } catch (const Error& problem) {
    if (problem.Kind() != ErrorKind::kInfrastructure) throw;
    fmt::print(stderr, "note: prepared data cannot be kept: {}\n", problem.what());
  }
  std::optional<Dataset> made = data ? MapPrepared(path) : std::nullopt;
  if (made) return *std::move(made);
  return KeepInMemory(data ? *std::move(data) : read());
}

}  // namespace ddl
