// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor.h"

#include <gtest/gtest.h>

#include "store/file_system.h"
#include "tests/cli/screen.h"

namespace ddl {
namespace doctor_test {

constexpr std::string_view kCpuInfo =
    "processor\t: 0\nmodel name\t: AMD EPYC 9B45\nflags\t\t: fpu sse2 avx avx2 avx512f\n\n"
    "processor\t: 1\nmodel name\t: AMD EPYC 9B45\n";

TEST(Doctor, NamesCoresAndInstructionSet) {
  const Check check = CpuCheck(kCpuInfo, 2);
  EXPECT_EQ(check.level, CheckLevel::kOk);
  EXPECT_EQ(check.text, "2 cores to run on, AVX-512, AMD EPYC 9B45");
  EXPECT_EQ(CpuCheck("flags : sse2\n", 1).level, CheckLevel::kWarning);
  EXPECT_EQ(CpuCheck("", 1).text, "1 core to run on, SSE, unknown model");
}

TEST(Doctor, WarnsWhenMemoryIsShort) {
  EXPECT_EQ(MemoryCheck("MemTotal:  25165824 kB\nMemAvailable:   12582912 kB\n").text,
            "12.0 GiB of 24.0 GiB available");
  EXPECT_EQ(MemoryCheck("MemTotal:  25165824 kB\nMemAvailable:   1024 kB\n").level,
            CheckLevel::kWarning);
}

TEST(Doctor, TakesNoGpuForANormalCase) {
  EXPECT_EQ(GpuCheck({}).level, CheckLevel::kOk);
  const Check check = GpuCheck({"/usr/bin/nvidia-smi", 0,
                                "GPU 0: NVIDIA H100 (UUID: GPU-1)\nGPU 1: NVIDIA H100 (UUID: "
                                "GPU-2)\n"});
  EXPECT_EQ(check.text, "2; the first: GPU 0: NVIDIA H100 (UUID: GPU-1)");
}

TEST(Doctor, SaysWhyNvidiaSmiFindsNothing) {
  const Check check = GpuCheck({"/usr/bin/nvidia-smi", 9, "Failed to initialize NVML\nmore\n"});
  EXPECT_EQ(check.level, CheckLevel::kWarning);
  EXPECT_EQ(check.text, "none: /usr/bin/nvidia-smi says \"Failed to initialize NVML\" (exit 9)");
}

FolderFacts Folder(std::uint64_t file_system) {
  return {.path = "/x/.ddl",
          .exists = true,
          .is_writable = true,
          .file_system = file_system,
          .free_bytes = std::int64_t{100} << 30};
}

TEST(Doctor, FailsForAFolderThatCannotBeWritten) {
  FolderFacts folder = Folder(0xEF53);
  EXPECT_EQ(FolderCheck("store", folder, CheckLevel::kOk).text, "/x/.ddl (ext4)");
  folder.exists = false;
  EXPECT_EQ(FolderCheck("store", folder, CheckLevel::kOk).text, "/x/.ddl (ext4, made when needed)");
  folder.is_writable = false;
  const Check check = FolderCheck("store", folder, CheckLevel::kOk);
  EXPECT_EQ(check.level, CheckLevel::kFailure);
  EXPECT_EQ(check.text, "/x/.ddl cannot be made");
}

TEST(Doctor, KnowsNetworkFileSystems) {
  EXPECT_TRUE(IsNetworkFileSystem(0x6969));
  EXPECT_FALSE(IsNetworkFileSystem(0xEF53));
  EXPECT_EQ(FileSystemName(0xFF534D42), "cifs");
  EXPECT_EQ(FileSystemName(0x1234), "file system 0x1234");
  EXPECT_EQ(FolderCheck("host folder", Folder(0x6969), CheckLevel::kFailure).level,
            CheckLevel::kFailure);
  EXPECT_EQ(FolderCheck("store", Folder(0x6969), CheckLevel::kOk).level, CheckLevel::kOk);
}

TEST(Doctor, WarnsBeforeTheDiskIsFull) {
  FolderFacts folder = Folder(0xEF53);
  EXPECT_EQ(SpaceCheck(folder).level, CheckLevel::kOk);
  folder.free_bytes = std::int64_t{1} << 30;
  EXPECT_EQ(SpaceCheck(folder).level, CheckLevel::kWarning);
  folder.free_bytes = 1'000;
  EXPECT_EQ(SpaceCheck(folder).level, CheckLevel::kFailure);
}

TEST(Doctor, SaysWhatIsMissing) {
  EXPECT_EQ(ProgramCheck("ddl-agent", "/b/ddl-agent", false).level, CheckLevel::kFailure);
  EXPECT_EQ(PythonCheck("").level, CheckLevel::kWarning);
  const std::vector<std::string> missing{"train-images-idx3-ubyte.gz"};
  EXPECT_EQ(FashionMnistCheck(missing, "/usr/share/datasets/fashion-mnist").text,
            "train-images-idx3-ubyte.gz is not in /usr/share/datasets/fashion-mnist");
}

TEST(Doctor, TellsWhatACoreReaches) {
  const auto checks = LimitChecks(
      0,
      R"({"machine": "AMD", "float32_gflops": 107.34, "bf16_gflops": null, "memory_gb_per_s": 21.0, "kept": "/c/limits-1.json"})");
  ASSERT_EQ(checks.size(), 4U);
  EXPECT_EQ(checks[0].text, "107.3 GFLOP/s in products of matrices, one core");
  EXPECT_EQ(checks[1].text, "not multiplied by this processor (AVX512-BF16)");
  EXPECT_EQ(checks[2].text, "21.0 GB/s read and written by one core");
  EXPECT_EQ(checks[3].text, "/c/limits-1.json");
  EXPECT_FALSE(AnyFailure(checks));
}

TEST(Doctor, FailsWhereNothingWasMeasured) {
  for (const auto& [exit_code, said] :
       std::vector<std::pair<int, std::string>>{{-1, ""}, {0, "no JSON"}, {0, "{}"}}) {
    const auto checks = LimitChecks(exit_code, said);
    ASSERT_EQ(checks.size(), 1U);
    EXPECT_TRUE(AnyFailure(checks));
  }
}

std::vector<Check> SomeChecks() {
  return {{"ddl-agent", CheckLevel::kOk, "/opt/ddl/ddl-agent", ""},
          {"python", CheckLevel::kWarning, "neither python nor python3 in PATH",
           "only for trials that are Python scripts: install python3"},
          {"store", CheckLevel::kFailure, "/x cannot be written", "choose another folder"}};
}

TEST(Doctor, PutsARemedyBelowEachProblem) {
  EXPECT_EQ(test::Joined(DoctorLines(SomeChecks(), test::Plain(80))), R"(
ok    ddl-agent      /opt/ddl/ddl-agent
warn  python         neither python nor python3 in PATH
                     → only for trials that are Python scripts: install python3
fail  store          /x cannot be written
                     → choose another folder
)");
}

TEST(Doctor, BreaksLinesOnANarrowScreen) {
  EXPECT_EQ(test::Joined(DoctorLines(SomeChecks(), test::Plain(40))), R"(
ok    ddl-agent      /opt/ddl/ddl-agent
warn  python         neither python nor
                     python3 in PATH
                     → only for trials
                       that are Python
                       scripts: install
                       python3
fail  store          /x cannot be
                     written
                     → choose another
                       folder
)");
}

TEST(Doctor, JsonHoldsEveryCheck) {
  const Json json = DoctorJson(SomeChecks());
  EXPECT_EQ(json.at("ok"), false);
  EXPECT_EQ(json.at("checks").size(), 3U);
  EXPECT_EQ(json.at("checks").at(1).at("level"), "warn");
  EXPECT_EQ(json.at("checks").at(0).at("remedy"), nullptr);
}

}  // namespace doctor_test
}  // namespace ddl
