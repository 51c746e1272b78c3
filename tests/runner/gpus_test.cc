// SPDX-License-Identifier: Apache-2.0
#include "runner/gpus.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace gpus_test {

constexpr const char* kTwo =
    "0, GPU-aaaa, NVIDIA H100 80GB HBM3, 81559, 4, 00000000:4B:00.0\n"
    "1, GPU-bbbb, NVIDIA H100 80GB HBM3, 81559, 70000, 00000000:0A:00.0\n";

TEST(GpuList, ComesInPciBusOrder) {
  const GpuDiscovery found = ParseGpus(kTwo, "");
  ASSERT_EQ(found.gpus.size(), 2U);
  EXPECT_EQ(found.gpus[0].uuid, "GPU-bbbb");
  EXPECT_EQ(found.gpus[0].index, 0);
  EXPECT_EQ(found.gpus[1].uuid, "GPU-aaaa");
  EXPECT_EQ(found.gpus[1].index, 1);
  EXPECT_EQ(found.gpus[1].memory_mib, 81559);
  EXPECT_EQ(found.note, "");
}

TEST(GpuList, MarksWhatOthersUse) {
  const GpuDiscovery found = ParseGpus(kTwo, "GPU-aaaa, 4711\nGPU-aaaa, 4712\n");
  EXPECT_FALSE(found.gpus[0].used_by_others);
  EXPECT_TRUE(found.gpus[1].used_by_others);
}

TEST(GpuList, DoesNotTakeATrialOfOursForAnother) {
  const IsTrial is_trial = [](std::int64_t pid) { return pid == 4711; };
  const char* ours = "GPU-aaaa, 4711\n";
  EXPECT_FALSE(ParseGpus(kTwo, ours, is_trial).gpus[1].used_by_others);
  const char* both = "GPU-aaaa, 4711\nGPU-aaaa, 4712\n";
  EXPECT_TRUE(ParseGpus(kTwo, both, is_trial).gpus[1].used_by_others);
}

TEST(GpuList, LivesWithFieldsThatABoardDoesNotTell) {
  const GpuDiscovery found =
      ParseGpus("0, GPU-cccc, GB10, [N/A], [N/A], 0000000F:01:00.0\n", "[Not Supported]\n");
  ASSERT_EQ(found.gpus.size(), 1U);
  EXPECT_EQ(found.gpus[0].memory_mib, 0);
  EXPECT_FALSE(found.gpus[0].used_by_others);
}

TEST(GpuList, NotesWhatItCannotRead) {
  const GpuDiscovery found = ParseGpus("Unable to determine the device handle for GPU\n", "");
  EXPECT_TRUE(found.gpus.empty());
  EXPECT_EQ(found.note, "nvidia-smi said: Unable to determine the device handle for GPU");
}

TEST(GpuList, IsEmptyForNoText) {
  EXPECT_TRUE(ParseGpus("", "").gpus.empty());
}

// A script of that name stands first in PATH.
class NvidiaSmi : public testing::Test {
 protected:
  void SetUp() override { ::setenv("PATH", (folder_.Path() + ":" + path_).c_str(), 1); }
  void TearDown() override { ::setenv("PATH", path_.c_str(), 1); }
  void Say(const std::string& lines) {
    const std::string program = folder_ / "nvidia-smi";
    std::ofstream(program) << "#!/bin/sh\n" << lines;
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  }

  TemporaryFolder folder_;
  const std::string path_ = std::getenv("PATH");
};

TEST_F(NvidiaSmi, IsAskedForGpusAndTheirUsersAtOnce) {
  // Neither answers before the other was asked.
  Say("case $1 in\n*index*) own=gpus other=users answer='0, GPU-a, T4, 16384, 1, 0:1:00.0' ;;\n"
      "*) own=users other=gpus answer='GPU-a, 1' ;;\nesac\n"
      "cd '" +
      folder_.Path() +
      "'; : > $own; until [ -e $other ]; do sleep 0.01; done\n"
      "echo \"$answer\"\n");
  const GpuDiscovery found = DiscoverGpus(std::chrono::minutes(1));
  ASSERT_EQ(found.gpus.size(), 1U) << found.note;
  EXPECT_TRUE(found.gpus[0].used_by_others);
}

TEST_F(NvidiaSmi, ThatAnswersTooLateIsNotOneThatIsNotThere) {
  Say("exec sleep 1000\n");
  EXPECT_EQ(DiscoverGpus(std::chrono::milliseconds(100)).note,
            "nvidia-smi did not answer within 0.1 s");
  ::setenv("PATH", folder_.Path().c_str(), 1);
  std::filesystem::remove(folder_ / "nvidia-smi");
  EXPECT_EQ(DiscoverGpus().note, "no nvidia-smi on this host");
}

TEST_F(NvidiaSmi, ThatFailsIsQuoted) {
  Say("echo 'Failed to initialize NVML'\nexit 9\n");
  EXPECT_EQ(DiscoverGpus().note, "nvidia-smi failed (9): Failed to initialize NVML");
}

}  // namespace gpus_test
}  // namespace ddl
