// SPDX-License-Identifier: Apache-2.0
// What a sweep on GPUs brings to a host that has one (so says its nvidia-smi) and libraries of CUDA
// or none: stubs stand for these, and loops for libddl_cuda.
#include <gmock/gmock.h>

#include "tests/cli/trainer_sweep.h"

namespace ddl {
namespace gpu_bundle_test {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kStubs = DDL_BINARY_DIR "/stubs/";

// Where every session on the host begins: with a driver in its PATH.
class HostWithGpu {
 public:
  [[nodiscard]] std::string Entrance() const {
    fs::create_directory(place_ / "bin");
    Script("bin/nvidia-smi",
           "case $1 in\n*driver_version*) echo 580.65.06;;\n"
           "--query-gpu*) echo '0, GPU-new, H100, 81559, 1, 00000000:01:00.0';;\nesac\n");
    Script("enter", "PATH=" + (place_ / "bin") +
                        ":$PATH\nexport PATH\nexec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"\n");
    return place_ / "enter";
  }
  // Of a PATH whose nvidia-smi knows a GPU.
  [[nodiscard]] std::string DriverFolder() const { return place_ / "bin"; }

 private:
  void Script(const std::string& name, const std::string& text) const {
    std::ofstream(place_ / name) << "#!/bin/sh\n" << text;
    fs::permissions(place_ / name, fs::perms::owner_all);
  }
  TemporaryFolder place_;
};

class GpuBundle : protected HostWithGpu, public TrainerSweep {
 protected:
  GpuBundle() : TrainerSweep("ForceCommand " + Entrance()) {}
  void SetUp() override {
    TrainerSweep::SetUp();
    if (IsSkipped()) return;
    fs::create_directory(folder_ + "/bin");
    for (const char* name : {"ddl", "ddl-agent", "ddl-trainer"})
      Bring(std::string(DDL_BINARY_DIR "/") + name);
    Bring(kStubs + "gpu/libddl_cuda.so");
    Hosts("{}");
    ::setenv("LD_LIBRARY_PATH", (kStubs + "130100").c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("LD_LIBRARY_PATH");
    TrainerSweep::TearDown();
  }
  // `env` of the host's trials.
  void Hosts(const std::string& env) const {
    Write("hosts.yaml", "hosts: {gpu1: {address: 'ssh://test-host', env: " + env + "}}\n");
  }
  Finished OwnDdl(std::vector<std::string> words) {
    words.insert(words.begin(), folder_ + "/bin/ddl");
    return StartProgram(std::move(words))->Wait();
  }
  // What it said while it swept.
  std::string Sweep(const std::string& name, const std::string& resources = "cpus: 0.1, gpus: 1") {
    const Finished done = OwnDdl({"sweep", Write(name + ".yaml", R"(
trainer: {data: {type: blobs, rows: 200}, model: {hidden: [8]}, epochs: 1, batch_size: 16}
method: grid
parameters: {seed: {values: [0]}}
resources: {)" + resources + R"(}
hosts: [gpu1]
)")});
    EXPECT_EQ(done.code, 0) << done.out << done.error << OwnDdl({"logs", "1"}).out;
    return done.out + done.error;
  }
  // Of the one snapshot on the host, or of any.
  [[nodiscard]] std::vector<fs::path> There(const std::string& name) const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(sshd_.Path("host"))) {
      if (entry.path().filename() == name) found.push_back(entry.path());
    }
    return found;
  }

 private:
  void Bring(const std::string& file) const {
    const std::string place = folder_ + "/bin/" + fs::path(file).filename().string();
    std::error_code another_disk;
    fs::create_hard_link(file, place, another_disk);
    if (another_disk) fs::copy_file(file, place);
  }
};

TEST_F(GpuBundle, SendsTheLibrariesThatItsHostLacksOnceAfterSayingTheirSize) {
  EXPECT_THAT(Sweep("first"),
              HasSubstr("gpu1 has none of CUDA's libraries that fit (libddlstub.so.13: there is "
                        "none): sending 3.0 MiB, once"));
  ASSERT_EQ(There("libddlstub.so.13").size(), 1U);
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(There("libddlstub.so.13")[0])));
  EXPECT_EQ(There("libddl_cuda.so").size(), 1U);
  EXPECT_THAT(Sweep("second", "cpus: 0.2, gpus: 1"), Not(HasSubstr("libraries")));
  ::setenv("DDL_HOME", (folder_ + "/other").c_str(), 1);
  EXPECT_THAT(Sweep("third"), Not(HasSubstr("libraries")));
  EXPECT_EQ(There("libddlstub.so.13").size(), 2U);
  ::setenv("DDL_HOME", (folder_ + "/store").c_str(), 1);
}

TEST_F(GpuBundle, UsesTheLibrariesOfItsHostWhereTheyFit) {
  Hosts("{LD_LIBRARY_PATH: '" + kStubs + "130200'}");
  EXPECT_THAT(Sweep("first"), Not(HasSubstr("libraries")));
  ASSERT_EQ(There("libddlstub.so.13").size(), 1U);
  EXPECT_EQ(fs::read_symlink(There("libddlstub.so.13")[0]), kStubs + "130200/libddlstub.so.13");
}

TEST_F(GpuBundle, SendsNewerLibrariesThanItsHostHas) {
  Hosts("{LD_LIBRARY_PATH: '" + kStubs + "130000'}");
  EXPECT_THAT(Sweep("first"),
              HasSubstr("130000/libddlstub.so.13: it is 13.0.0, and 13.1.0 or later is needed): "
                        "sending 3.0 MiB, once"));
}

// On this machine, whose NVML is a stub that counts 2.5 J a question.
TEST_F(GpuBundle, TellsTheEnergyOfGpusThatATrialHasForItself) {
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", (DriverFolder() + ":" + path).c_str(), 1);
  ::setenv("LD_LIBRARY_PATH", (kStubs + "nvml:" + kStubs + "130100").c_str(), 1);
  for (const std::string gpus : {"1", "0.5"}) {
    const std::string name = gpus == "1" ? "whole" : "shared";
    const Finished done = OwnDdl({"sweep", Write(name + ".yaml", R"(
trainer: {data: {type: blobs, rows: 200}, model: {hidden: [8]}, epochs: 3, batch_size: 16}
method: grid
parameters: {seed: {values: [0]}}
resources: {cpus: 0.1, gpus: )" + gpus + R"(}
hosts: [local]
)")});
    EXPECT_EQ(done.code, 0) << done.out << done.error;
  }
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_GE(DdlJson({"report", "whole"}).at("speed").at("joules").get<double>(), 2.5 * 3);
  EXPECT_TRUE(DdlJson({"report", "shared"}).at("speed").at("joules").is_null());
}

// As in containers, where the loader's cache does not know it: here the stub of the driver's NVML.
TEST_F(GpuBundle, FindsADriversLibraryWhereOnlyTheHostsEnvironmentSays) {
  Hosts("{LD_LIBRARY_PATH: '" + kStubs + "nvml'}");
  (void)Sweep("first");
  EXPECT_GE(DdlJson({"report", "first"}).at("speed").at("joules").get<double>(), 2.5);
}

TEST_F(GpuBundle, WithoutGpusBringsNothingOfThemAlong) {
  EXPECT_THAT(Sweep("first", "cpus: 0.1"), Not(HasSubstr("libraries")));
  EXPECT_TRUE(There("libddl_cuda.so").empty());
  EXPECT_TRUE(There("libddlstub.so.13").empty());
}

TEST_F(GpuBundle, OfADdlWithoutCudaIsRefusedWithWhatToDo) {
  fs::remove(folder_ + "/bin/libddl_cuda.so");
  const Finished done = OwnDdl({"sweep", Write("first.yaml", R"(
trainer: {data: {type: blobs, rows: 200}, epochs: 1}
method: grid
parameters: {seed: {values: [0]}}
resources: {gpus: 1}
hosts: [gpu1]
)")});
  EXPECT_EQ(done.code, 2) << done.out;
  EXPECT_THAT(done.error, HasSubstr("was built without CUDA"));
  EXPECT_THAT(done.error, HasSubstr("build ddl on a machine with the CUDA toolkit"));
}

TEST_F(GpuBundle, AndACheckOfItsHostSaysBeforeWhatItWouldSend) {
  const Finished before = OwnDdl({"hosts", "check", "gpu1"});
  EXPECT_THAT(before.out, HasSubstr("no libddlstub.so.13 of 13.1.0 or later: a sweep of the "
                                    "built-in trainer on GPUs sends 3.0 MiB, once"));
  EXPECT_THAT(before.out, HasSubstr("CUDA_HOME"));
  Hosts("{LD_LIBRARY_PATH: '" + kStubs + "130200'}");
  EXPECT_THAT(OwnDdl({"hosts", "check", "gpu1"}).out,
              HasSubstr("130200/libddlstub.so.13, whose name tells no version, is tried"));
  Hosts("{}");
  (void)Sweep("first");
  const Finished after = OwnDdl({"hosts", "check", "gpu1"});
  EXPECT_THAT(after.out, HasSubstr("libddlstub.so.13, sent by a sweep before"));
}

}  // namespace gpu_bundle_test
}  // namespace ddl
