// SPDX-License-Identifier: Apache-2.0
// A sweep of the built-in trainer on a host whose C library is older than what ddl was built with:
// a root of Debian 11, which sshd puts all its sessions into.
#include <array>
#include <cstdio>

#include "configs/library_need.h"
#include "tests/cli/trainer_sweep.h"

namespace ddl {
namespace trainer_old_host_long_test {

struct Said {
  int code = -1;
  std::string text;
};

Said Shell(const std::string& command) {
  Said said;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::array<char, 4096> piece{};
  while (std::fgets(piece.data(), piece.size(), pipe) != nullptr)
    said.text += piece.data();
  said.code = ::pclose(pipe);
  return said;
}

class OldRoot {
 public:
  OldRoot() {
    if (::geteuid() != 0) {
      why_not_ = "only root can enter another root";
    } else if (Shell("command -v debootstrap").code != 0) {
      why_not_ = "no debootstrap here: ./run-tests --long installs it";
    } else {
      // Unpacked and not set up: what runs there brings its own.
      const Said said = Shell("debootstrap --variant=minbase --foreign bullseye " + Path() +
                              " http://deb.debian.org/debian");
      if (said.code != 0) why_not_ = "debootstrap fails, is there no network? " + said.text;
      // In a container it makes a link of it, which would lead nowhere.
      if (std::filesystem::is_symlink(Path() + "/proc")) {
        std::filesystem::remove(Path() + "/proc");
        std::filesystem::create_directory(Path() + "/proc");
      }
    }
  }
  [[nodiscard]] const std::string& WhyNot() const { return why_not_; }
  [[nodiscard]] std::string Path() const { return folder_ / "root"; }
  // Mounts are of one session and go with it.
  [[nodiscard]] std::string Entrance() const {
    const std::string script = folder_ / "enter";
    std::ofstream(script) << "#!/bin/sh\nexport DDL_HOST_DIR=/var/tmp/ddl DDL_LEASE_DIR=/var/tmp\n"
                             "exec unshare --mount /bin/sh -c 'mount --rbind /proc " +
                                 Path() + "/proc && mount --rbind /dev " + Path() +
                                 "/dev && exec chroot " + Path() +
                                 " /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"'\n";
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    return script;
  }

 private:
  TemporaryFolder folder_;
  std::string why_not_;
};

class TrainerOnAnOldHost : private OldRoot, public TrainerSweep {
 protected:
  TrainerOnAnOldHost() : TrainerSweep("ForceCommand " + Entrance()) {}
  void SetUp() override {
    if (!OldRoot::WhyNot().empty()) GTEST_SKIP() << OldRoot::WhyNot();
    TrainerSweep::SetUp();
  }
  [[nodiscard]] std::string Root() const { return Path(); }
  // As a session of sshd runs it.
  [[nodiscard]] Said There(const std::string& command) const {
    return Shell("SSH_ORIGINAL_COMMAND='" + command + "' " + Entrance());
  }
};

TEST_F(TrainerOnAnOldHost, GivesTheSameBitsThereAsHere) {
  const Said version = Shell("chroot " + Root() + " /lib/x86_64-linux-gnu/libc.so.6");
  EXPECT_NE(version.text.find("GLIBC 2.31"), std::string::npos) << version.text;
  const Said beside = Shell("cp " DDL_BINARY_DIR "/ddl-trainer " + Root() + "/tmp && chroot " +
                            Root() + " /tmp/ddl-trainer --help");
  EXPECT_NE(beside.code, 0) << "it would run there without its libraries";
  Write("points.csv", Points(0.5));
  ExpectTheSameThereAndHere("{type: csv, train: points.csv}");
  EXPECT_TRUE(std::filesystem::exists(Root() + "/var/tmp/ddl")) << "it ran elsewhere";
}

// Half a gigabyte travels, and is loaded by the loader and the C library that came with it.
TEST_F(TrainerOnAnOldHost, LoadsTheLibrariesOfCudaThatItWasSent) {
  if (LibraryNeedsOf(DDL_BINARY_DIR "/libddl_cuda.so").empty())
    GTEST_SKIP() << "libddl_cuda is not built here";
  const std::string driver = Root() + "/usr/bin/nvidia-smi";
  std::ofstream(driver)
      << "#!/bin/sh\ncase $1 in\n*driver_version*) echo 580.65.06;;\n"
         "--query-gpu*) echo '0, GPU-1, H100, 81559, 1, 00000000:01:00.0';;\nesac\n";
  std::filesystem::permissions(driver, std::filesystem::perms::owner_all);
  const Finished done = Ddl({"sweep", Write("gpus.yaml", R"(
trainer: {data: {type: blobs, rows: 200}, model: {hidden: [8]}, epochs: 1, batch_size: 16}
method: grid
parameters: {seed: {values: [0]}}
resources: {cpus: 0.1, gpus: 1}
hosts: ['ssh://test-host']
)")});
  EXPECT_NE(done.code, 0) << "a driver would have been needed";
  const std::string log = Ddl({"logs", "gpus/1"}).out;
  EXPECT_NE(log.find("driver"), std::string::npos) << log;
  EXPECT_EQ(log.find("cannot be loaded"), std::string::npos) << log;
  EXPECT_NE((done.out + done.error).find("there is none): sending "), std::string::npos)
      << done.out << done.error;
  const std::string start =
      "cd /var/tmp/ddl/*/code/*/tree && export LD_BIND_NOW=1 && "
      "exec ./ld-linux-x86-64.so.2 --library-path lib ";
  const Said fits = There(start + "./ddl-trainer --library lib/libcublasLt.so.*");
  EXPECT_EQ(fits.code, 0) << fits.text;
  EXPECT_NE(fits.text.find('.'), std::string::npos) << "a version: " << fits.text;
  const Said loaded = There(start + "--preload ./libddl_cuda.so ./ddl-trainer --help");
  EXPECT_TRUE(loaded.text.starts_with("usage: ddl-trainer")) << loaded.text;
}

}  // namespace trainer_old_host_long_test
}  // namespace ddl
