// SPDX-License-Identifier: Apache-2.0
// Sweeps on GPUs that are none: nvidia-smi is a script, and the library of the trainer is loops, or
// the one that DDL_CUDA_LIBRARY names. All between them is real.
#include <set>

#include "tests/cli/real_ddl.h"

namespace ddl {
namespace gpu_sweep_test {

namespace fs = std::filesystem;

fs::path CudaLibraryUsed() {
  const char* other = std::getenv("DDL_CUDA_LIBRARY");
  return other != nullptr ? other : std::string(DDL_BINARY_DIR) + "/tests/libddl_cuda_host.so";
}

// As a trial's log tells it.
std::string GpuUsed() {
  return std::getenv("DDL_CUDA_LIBRARY") != nullptr ? "emulated GPU (compute capability 8.0"
                                                    : "Loops (compute capability 9.0";
}

class GpuSweep : public RealDdl {
 protected:
  void SetUp() override {
    if (!fs::exists(CudaLibraryUsed())) GTEST_SKIP() << CudaLibraryUsed() << " is not built";
    RealDdl::SetUp();
    fs::create_directory(folder_ + "/bin");
    for (const char* program : {"ddl", "ddl-agent", "ddl-trainer"})
      fs::copy_file(std::string(DDL_BINARY_DIR) + "/" + program, folder_ + "/bin/" + program);
    fs::copy_file(CudaLibraryUsed(), folder_ + "/bin/libddl_cuda.so");
    Write("bin/nvidia-smi", R"(#!/bin/sh
case "$1" in
*index*) echo '0, GPU-aaaa, Loops, 4096, 4, 00000000:0A:00.0'
         echo '1, GPU-bbbb, Loops, 4096, 4, 00000000:0B:00.0' ;;
*driver*) echo 580.1 ;;
esac
)");
    fs::permissions(folder_ + "/bin/nvidia-smi", fs::perms::owner_all);
    path_ = std::getenv("PATH");
    ::setenv("PATH", (folder_ + "/bin:" + path_).c_str(), 1);
  }
  void TearDown() override {
    if (!path_.empty()) ::setenv("PATH", path_.c_str(), 1);
    if (!folder_.empty()) RealDdl::TearDown();
  }

  Finished Run(std::vector<std::string> words) {
    words.insert(words.begin(), folder_ + "/bin/ddl");
    return StartProgram(std::move(words))->Wait();
  }
  std::string Spec(const std::string& gpus, const std::string& further = "",
                   const std::string& trainer = "") const {
    return Write("gpus.yaml",
                 "trainer: {" + trainer +
                     "data: {type: blobs, rows: 300}, model: {hidden: [8]}, epochs: 3,\n"
                     "  optimizer: {type: adam}, batch_size: 32}\n"
                     "method: grid\nparameters: {optimizer.lr: {values: [0.1, 0.03, 0.01, 0.003, "
                     "0.001, 0.0003]}}\n"
                     "metric: {name: val_loss, goal: minimize}\n"
                     "resources: {gpus: " +
                     gpus + "}\n" + further);
  }
  Json Show(int trial) {
    const Finished shown = Run({"show", "gpus/" + std::to_string(trial), "--json"});
    EXPECT_EQ(shown.code, 0) << shown.error;
    return ParseJson(shown.out, "show");
  }

  std::string path_;
};

TEST_F(GpuSweep, TrainsOnSharesOfGpusWithoutMoreWords) {
  const Finished done = Run({"sweep", Spec("0.25")});
  ASSERT_EQ(done.code, 0) << done.out << done.error << Run({"logs", "1"}).out;
  const Finished log = Run({"logs", "gpus/1"});
  EXPECT_NE(log.out.find("float32, " + GpuUsed()), std::string::npos) << log.out;
  const Json report = ParseJson(Run({"report", "gpus", "--json"}).out, "report");
  EXPECT_EQ(report.at("sweep").at("counts").at("finished"), 6);
  std::set<std::string> gpus;
  for (int trial = 1; trial <= 6; ++trial) {
    const Json slots = Show(trial).at("attempts").at(0).at("slots");
    gpus.insert(slots.at("gpus").at(0).at(0));
  }
  EXPECT_EQ(gpus.size(), 2U);
}

TEST_F(GpuSweep, GivesTheFiguresOfTheCpu) {
  ASSERT_EQ(Run({"sweep", Spec("0.5")}).code, 0);
  const Json gpu = ParseJson(Run({"report", "gpus", "--json"}).out, "report");
  fs::remove_all(folder_ + "/store");
  ASSERT_EQ(Run({"sweep", Spec("0")}).code, 0);
  const Json cpu = ParseJson(Run({"report", "gpus", "--json"}).out, "report");
  EXPECT_EQ(gpu.at("best").at("trial"), cpu.at("best").at("trial"));
  EXPECT_NEAR(gpu.at("best").at("value").get<double>(), cpu.at("best").at("value").get<double>(),
              1e-3);
}

TEST_F(GpuSweep, OutlivesAGpuThatFails) {
  const std::string file = Write("breaks", "");
  const Finished done = Run({"sweep", Spec("0.5", "env: {DDL_HOST_GPU_BREAKS: " + file + "}\n")});
  EXPECT_EQ(done.code, 0) << done.out << done.error << Run({"logs", "1"}).out;
  EXPECT_FALSE(fs::exists(file));
  int lost = 0;
  for (int trial = 1; trial <= 6; ++trial) {
    const Json attempts = Show(trial).at("attempts");
    if (attempts.size() == 1) continue;
    ++lost;
    EXPECT_EQ(attempts.at(0).at("cause"), "worker lost");
  }
  EXPECT_GE(lost, 1);
}

TEST_F(GpuSweep, AWholeGpuThatFailsIsNoFailureOfItsTrial) {
  const std::string file = Write("breaks", "");
  const Finished done = Run({"sweep", Spec("1", "env: {DDL_HOST_GPU_BREAKS: " + file + "}\n")});
  EXPECT_EQ(done.code, 0) << done.out << done.error << Run({"logs", "1"}).out;
  EXPECT_FALSE(fs::exists(file));
  int tries = 0;
  for (int trial = 1; trial <= 6; ++trial)
    tries += static_cast<int>(Show(trial).at("attempts").size());
  EXPECT_EQ(tries, 7) << "without retries, which are for failures of its own";
}

// Nobody will let go of the rest: the rule spares it the waiting.
TEST_F(GpuSweep, SaysHowMuchMemoryIsMissing) {
  const Finished done =
      Run({"sweep", Spec("1",
                         "env: {DDL_HOST_GPU_FREE_MIB: '8'}\n"
                         "failures: [{pattern: one training needs, then: give-up}]\n")});
  EXPECT_NE(done.code, 0);
  const Finished log = Run({"logs", "gpus/1"});
  EXPECT_NE(log.out.find("one training needs 0.06 GiB of the GPU's memory, and"), std::string::npos)
      << log.out;
}

// Names of the metrics of the first trial.
std::set<std::string> MetricsOf(const Json& shown) {
  std::set<std::string> names;
  for (const Json& metric : shown.at("metrics"))
    names.insert(metric.at("metric").get<std::string>());
  return names;
}

TEST_F(GpuSweep, TellsTheUseOfGpusAndTheEnergyOfWholeOnes) {
  const std::string env =
      "env: {LD_LIBRARY_PATH: " + std::string(DDL_BINARY_DIR) + "/stubs/nvml}\n";
  ASSERT_EQ(Run({"sweep", Spec("0.5", env)}).code, 0);
  const std::set<std::string> of_share = MetricsOf(Show(1));
  EXPECT_TRUE(of_share.contains("gpu_clock_mhz") && of_share.contains("gpu_percent_busy"));
  EXPECT_FALSE(of_share.contains("gpu_joules")) << "nobody knows whose it was";
  fs::remove_all(folder_ + "/store");
  ASSERT_EQ(Run({"sweep", Spec("1", env)}).code, 0);
  EXPECT_TRUE(MetricsOf(Show(1)).contains("gpu_joules"));
  const Json report = ParseJson(Run({"report", "gpus", "--json"}).out, "report");
  EXPECT_GT(report.at("speed").at("joules").get<double>(), 0.0);
}

TEST_F(GpuSweep, TrainsOnRowsThatStayInTheirFile) {
  const Finished done = Run({"sweep", Spec("0.25", "", "shuffle: blocks, ")});
  EXPECT_EQ(done.code, 0) << done.error;
  const Finished log = Run({"logs", "gpus/1"});
  EXPECT_NE(log.out.find("shuffled in windows"), std::string::npos) << log.out;
  EXPECT_NE(log.out.find("float32, " + GpuUsed()), std::string::npos) << log.out;
}

}  // namespace gpu_sweep_test
}  // namespace ddl
