// SPDX-License-Identifier: Apache-2.0
#include "runner/gpus.h"

#include <gtest/gtest.h>

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

}  // namespace gpus_test
}  // namespace ddl
