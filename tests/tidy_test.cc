// SPDX-License-Identifier: Apache-2.0
// Holds the source tree to its own rules: layers, doors, sizes, leftover markers, one mutex.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace ddl {
namespace tidy_test {

namespace fs = std::filesystem;

struct SourceFile {
  std::string path;  // from the top of the tree
  std::string folder;
  std::vector<std::string> lines;
};

std::vector<SourceFile> ReadTree(const std::vector<std::string>& folders) {
  std::vector<SourceFile> files;
  for (const std::string& folder : folders) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(DDL_SOURCE_DIR) / folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".cc" && extension != ".h" && extension != ".cu") continue;
      SourceFile file{fs::relative(entry.path(), DDL_SOURCE_DIR), folder, {}};
      std::ifstream stream(entry.path());
      for (std::string line; std::getline(stream, line);)
        file.lines.push_back(line);
      files.push_back(std::move(file));
    }
  }
  return files;
}

const std::vector<std::string> kProduct{"configs", "store",     "runner",
                                        "trainer", "scheduler", "cli"};

std::vector<std::string> Included(const SourceFile& file) {
  static const std::regex kInclude(R"re(^\s*#include\s*["<]([^">]+)[">])re");
  std::vector<std::string> names;
  std::smatch match;
  for (const std::string& line : file.lines) {
    if (std::regex_search(line, match, kInclude)) names.push_back(match[1]);
  }
  return names;
}

// Which folders each folder may include; cli may include all but trainer.
const std::map<std::string, std::set<std::string>> kLayers{
    {"configs", {"configs"}},
    {"store", {"configs", "store"}},
    {"runner", {"configs", "runner"}},
    {"trainer", {"configs", "trainer"}},
    {"scheduler", {"configs", "store", "runner", "scheduler"}},
    {"cli", {"configs", "store", "runner", "scheduler", "cli"}},
};

TEST(Tidy, LayersIncludeDownwardsOnly) {
  for (const SourceFile& file : ReadTree(kProduct)) {
    for (const std::string& name : Included(file)) {
      const std::string top = name.substr(0, name.find('/'));
      if (!kLayers.contains(top) || name.find('/') == std::string::npos) continue;
      EXPECT_TRUE(kLayers.at(file.folder).contains(top)) << file.path << " includes " << name;
    }
  }
}

// A library enters through one folder only, or through one file of a further one.
const std::vector<std::pair<std::string, std::string>> kDoors{
    {"yaml-cpp/", "configs"}, {"sqlite3.h", "store"},     {"libssh/", "runner"},
    {"CLI/", "cli"},          {"dnnl", "trainer"},        {"cuda", "trainer"},
    {"zlib.h", "trainer"},    {"sys/socket.h", "runner"}, {"Eigen/", "scheduler"},
    {"nlopt", "scheduler"},   {"boost/", "scheduler"},    {"png.h", "trainer"},
    {"jpeglib.h", "trainer"},
};
const std::set<std::pair<std::string, std::string>> kFileDoors{
    {"zlib.h", "runner/gzip.cc"}, {"sys/socket.h", "trainer/lane_socket.cc"}};

TEST(Tidy, LibrariesEnterThroughTheirDoor) {
  for (const SourceFile& file : ReadTree(kProduct)) {
    for (const std::string& name : Included(file)) {
      for (const auto& [prefix, folder] : kDoors) {
        const bool own_door = kFileDoors.contains({prefix, file.path});
        EXPECT_TRUE(!name.starts_with(prefix) || file.folder == folder || own_door)
            << file.path << ": " << name;
      }
    }
  }
}

TEST(Tidy, JsonTextEntersThroughItsDoor) {
  static const std::regex kParse(R"(\bJson::parse\(|\.dump\()");
  for (const SourceFile& file : ReadTree(kProduct)) {
    if (file.path == "configs/json.cc") continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(file.lines[i], kParse)) << file.path << ":" << i + 1;
    }
  }
}

TEST(Tidy, FilesStaySmall) {
  for (const SourceFile& file : ReadTree(kProduct)) {
    EXPECT_LE(file.lines.size(), 400U) << file.path;
  }
  for (const SourceFile& file : ReadTree({"tests", "bench"})) {
    EXPECT_LE(file.lines.size(), 600U) << file.path;
  }
}

TEST(Tidy, LinesStayNarrow) {
  for (const SourceFile& file :
       ReadTree({"configs", "store", "runner", "trainer", "scheduler", "cli", "tests", "bench"})) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const auto columns = std::ranges::count_if(
          file.lines[i], [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
      const bool raw = file.lines[i].find("R\"") != std::string::npos;
      EXPECT_TRUE(columns <= 100 || raw || file.folder == "tests") << file.path << ":" << i + 1;
    }
  }
}

TEST(Tidy, EveryFileNamesItsLicence) {
  for (const SourceFile& file :
       ReadTree({"configs", "store", "runner", "trainer", "scheduler", "cli", "tests", "bench"})) {
    ASSERT_FALSE(file.lines.empty()) << file.path;
    EXPECT_EQ(file.lines.front(), "// SPDX-License-Identifier: Apache-2.0") << file.path;
    const bool header = file.path.ends_with(".h");
    const bool once = std::ranges::count(file.lines, "#pragma once") == 1;
    EXPECT_EQ(header, once) << file.path;
  }
}

TEST(Tidy, NoMarkersAreLeft) {
  static const std::regex kMarker(
      "\\b(TO"
      "DO|FIX"
      "ME|XX"
      "X|HA"
      "CK)\\b|DISABLED"
      "_|not "
      "implemented");
  for (const SourceFile& file :
       ReadTree({"configs", "store", "runner", "trainer", "scheduler", "cli", "tests", "bench"})) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(file.lines[i], kMarker)) << file.path << ":" << i + 1;
    }
  }
}

// Threads meet in a mailbox, and trainings that share a GPU in their team.
TEST(Tidy, MutexesAreWhereThreadsMeet) {
  static const std::set<std::string> kMeetings{"runner/mailbox.h", "trainer/cuda/gpu_team.h",
                                               "trainer/cuda/gpu_teams.h"};
  static const std::regex kMutex(R"(std::(recursive_|shared_)?mutex\b)");
  for (const SourceFile& file : ReadTree(kProduct)) {
    if (kMeetings.contains(file.path)) continue;
    for (const std::string& line : file.lines) {
      EXPECT_FALSE(std::regex_search(line, kMutex)) << file.path;
    }
  }
}

TEST(Tidy, FunctionsStayShort) {
  // A function body is taken to run from a line ending in "{" at column 0 to the next "}" there.
  for (const SourceFile& file : ReadTree(kProduct)) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      const bool opens = !line.empty() && line.back() == '{' && line.front() != ' ' &&
                         line.find('(') != std::string::npos;
      if (opens) begin = i + 1;
      if (line != "}" || begin == 0) continue;
      EXPECT_LE(i + 1 - begin, 60U) << file.path << ":" << begin;
      begin = 0;
    }
  }
}

TEST(Tidy, TestsThatRunOnGpusAreListed) {
  std::set<std::string> listed;
  std::ifstream list(fs::path(DDL_SOURCE_DIR) / "tests/trainer/gpu_tests.txt");
  for (std::string name; std::getline(list, name);)
    listed.insert("tests/trainer/" + name + ".cc");
  std::set<std::string> found;
  for (const SourceFile& file : ReadTree({"tests"})) {
    if (!file.path.ends_with("_test.cc")) continue;
    for (const std::string& name : Included(file)) {
      if (name.ends_with("/gpu_at_hand.h") || name.ends_with("/tested_device.h")) {
        found.insert(file.path);
      }
    }
  }
  EXPECT_EQ(listed, found);
}

TEST(Tidy, TestsAreNeverNumbered) {
  static const std::regex kNumbered(R"(^TEST(_F|_P)?\(\w+, \w*\d+\))");
  for (const SourceFile& file : ReadTree({"tests"})) {
    for (const std::string& line : file.lines) {
      EXPECT_FALSE(std::regex_search(line, kNumbered)) << file.path << ": " << line;
    }
  }
}

}  // namespace tidy_test
}  // namespace ddl
