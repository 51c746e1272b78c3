// SPDX-License-Identifier: Apache-2.0
// The real ddl-trainer in a memory cgroup that holds a third of its data.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "configs/json.h"
#include "tests/sanitized.h"
#include "tests/trainer/temporary_folder.h"
#include "trainer/checkpoint.h"

namespace ddl {
namespace larger_than_memory_test {

namespace fs = std::filesystem;

constexpr std::size_t kMib = std::size_t{1} << 20U;
constexpr std::size_t kRowBytes = 8192;
constexpr std::size_t kRows = 96 * kMib / kRowBytes;

// Of version 1, below this process' own; no path where one cannot be made.
class MemoryCgroup {
 public:
  explicit MemoryCgroup(std::size_t limit) {
    std::ifstream own("/proc/self/cgroup");
    for (std::string line; std::getline(own, line);) {
      const std::size_t at = line.find(":memory:");
      if (at == std::string::npos) continue;
      const std::string path =
          "/sys/fs/cgroup/memory" + line.substr(at + 8) + "/ddl-test-" + std::to_string(getpid());
      if (mkdir(path.c_str(), 0755) == 0) path_ = path;
    }
    if (!path_.empty()) std::ofstream(path_ + "/memory.limit_in_bytes") << limit;
  }
  MemoryCgroup(const MemoryCgroup&) = delete;
  MemoryCgroup& operator=(const MemoryCgroup&) = delete;
  ~MemoryCgroup() {
    if (!path_.empty()) rmdir(path_.c_str());
  }

  [[nodiscard]] const std::string& Path() const { return path_; }
  [[nodiscard]] std::size_t Read(const std::string& name) const {
    std::size_t value = 0;
    std::ifstream(path_ + "/" + name) >> value;
    return value;
  }

 private:
  std::string path_;
};

class LargerThanMemory : public testing::Test {
 protected:
  void SetUp() override {
    if (kIsSanitized) GTEST_SKIP() << "sanitizers need more memory than that";
    struct statfs disk{};
    ASSERT_EQ(statfs(folder_.Path().c_str(), &disk), 0);
    if (disk.f_type == TMPFS_MAGIC) GTEST_SKIP() << "files here are in memory themselves";
    if (cgroup_.Path().empty()) GTEST_SKIP() << "no memory cgroup of version 1 can be made";
    std::ofstream x(folder_.Path() / "x", std::ios::binary);
    x.write("\0\0\x08\x02\0\0\x30\0\0\0\x20\0", 12);  // 12,288 rows of 8,192
    std::ofstream y(folder_.Path() / "y", std::ios::binary);
    y.write("\0\0\x08\x01\0\0\x30\0", 8);
    static_assert(kRows == 0x3000);
    std::uint32_t state = 1;
    std::string row(kRowBytes, '\0');
    for (std::size_t i = 0; i < kRows; ++i) {
      for (char& value : row)
        value = static_cast<char>((state = state * 1664525U + 1013904223U) >> 25U);
      row[(i % 3) * 1000] = '\xff';
      x << row;
      y << static_cast<char>(i % 3);
    }
  }

  // Its output; the process must end well.
  std::string Run(const std::vector<std::string>& words, bool is_limited) const {
    const std::string out = folder_.Path() / "out";
    const pid_t child = fork();
    if (child == 0) Become(words, is_limited, out);
    int status = 0;
    waitpid(child, &status, 0);
    std::ifstream stream(out);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status << "\n" << text;
    return text;
  }

  [[noreturn]] void Become(const std::vector<std::string>& words, bool is_limited,
                           const std::string& out) const {
    if (is_limited) std::ofstream(cgroup_.Path() + "/cgroup.procs") << getpid();
    setenv("DDL_CACHE", (folder_.Path() / "cache").c_str(), 1);
    setenv("DDL_CHECKPOINT_DIR", (folder_.Path() / "checkpoints").c_str(), 1);
    const int fd = open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(fd, 1);
    dup2(fd, 2);
    std::string trainer = std::string(DDL_BINARY_DIR) + "/ddl-trainer";
    std::vector<char*> argv{trainer.data()};
    for (const std::string& word : words)
      argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(127);
  }

  [[nodiscard]] std::string Write(const std::string& name, const Json& json) const {
    std::ofstream(folder_.Path() / name) << DumpJson(json);
    return folder_.Path() / name;
  }

  // Out of the page cache, so that whoever reads it next is charged for it.
  void DropPreparedData() const {
    for (const auto& entry : fs::directory_iterator(folder_.Path() / "cache")) {
      const int fd = open(entry.path().c_str(), O_RDONLY);
      EXPECT_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
      close(fd);
    }
  }

  // Of the checkpoint after the last epoch, which is removed.
  [[nodiscard]] std::vector<float> TakeState() const {
    const fs::path folder = folder_.Path() / "checkpoints";
    std::string newest;
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      if (name.starts_with("iteration-")) newest = std::max(newest, name);
    }
    auto read = ReadCheckpoint(folder / newest);
    fs::remove_all(folder);
    if (!std::holds_alternative<Checkpoint>(read)) return {};
    return std::get<Checkpoint>(read).state;
  }

  TrainerFolder folder_;
  MemoryCgroup cgroup_{40 * kMib};
};

TEST_F(LargerThanMemory, PreparesAndTrainsToTheSameBits) {
  const Json data{{"type", "idx"},
                  {"train_features", folder_.Path() / "x"},
                  {"train_labels", folder_.Path() / "y"}};
  const std::string config = Write(
      "config.json", {{"data", data},
                      {"epochs", 2},
                      {"model", {{"type", "mlp"}, {"hidden", {8}}}},
                      {"shuffle", {{"type", "blocks"}, {"block_mib", 1}, {"window_mib", 3}}}});
  (void)Run({"--prepare", Write("data.json", Json::array({data}))}, true);
  DropPreparedData();
  (void)Run({config}, true);
  const std::vector<float> limited = TakeState();
  EXPECT_GT(cgroup_.Read("memory.max_usage_in_bytes"), 20 * kMib) << "its pages are not counted";
  (void)Run({config}, false);
  EXPECT_GT(limited.size(), 8 * kRowBytes);
  EXPECT_EQ(limited, TakeState());
}

}  // namespace larger_than_memory_test
}  // namespace ddl
