// SPDX-License-Identifier: Apache-2.0
#include "cli/hosts.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/gpus.h"

namespace ddl {
namespace hosts_test {

using ::testing::HasSubstr;

constexpr std::int64_t kGib = std::int64_t{1} << 30;

HostReport Report() {
  HostReport report;
  report.facts.hostname = "box7";
  report.facts.cores = {0, 1, 2, 3};
  report.facts.memory_mib = 65536;
  report.facts.gpus = {{.index = 0, .uuid = "GPU-a", .name = "A100", .memory_mib = 40960},
                       {.index = 1, .uuid = "GPU-b", .name = "A100", .memory_mib = 40960}};
  report.facts.interpreter = "python3";
  report.facts.tree_kill = "cgroup";
  report.driver = "535.104.05";
  report.kernel = "Linux 6.1 x86_64";
  report.host_folder = "/var/tmp/ddl-1000";
  report.free_bytes = 100 * kGib;
  report.ranks = 3;
  report.clock_us = 2'400;
  return report;
}

HostLine Line(HostReport report = Report()) {
  return {.entry = {.name = "gpu1",
                    .address = "ssh://gpu1",
                    .labels = {"a100", "fast"},
                    .env = {},
                    .setup = {}},
          .answer = std::move(report)};
}

// The check of that name.
Check Find(const HostLine& host, const std::string& name) {
  const std::vector<Check> checks = ChecksOf(host);
  const auto found = std::ranges::find(checks, name, &Check::name);
  return found == checks.end() ? Check{.name = "missing"} : *found;
}

std::string Shown(const std::vector<HostLine>& hosts) {
  Terminal terminal;
  terminal.width = 200;
  std::string all;
  for (const std::string& line : HostsLines(hosts, terminal))
    all += line + "\n";
  return all;
}

TEST(Hosts, AHostThatIsFineHasNothingToMend) {
  for (const Check& check : ChecksOf(Line()))
    EXPECT_TRUE(check.level == CheckLevel::kOk && check.remedy.empty()) << check.name;
}

TEST(Hosts, TheTableHasWhatEachHas) {
  HostLine bounded = Line();
  bounded.entry.cpus = 2;
  bounded.entry.gpus = std::vector<int>{1};
  bounded.is_drained = true;
  bounded.why = "gpu1 is drained: fans";
  HostLine away = Line();
  away.entry.name = "gpu2";
  away.answer = ProbeProblem{"no SSH at gpu2: connection refused", "start sshd"};
  const std::string text = Shown({Line(), bounded, away});
  EXPECT_THAT(text, HasSubstr("2 x A100"));
  EXPECT_THAT(text, HasSubstr("535.104.05"));
  EXPECT_THAT(text, HasSubstr("a100 fast"));
  EXPECT_THAT(text, HasSubstr("2 of 4"));
  EXPECT_THAT(text, HasSubstr("1 of 2 x A100"));
  EXPECT_THAT(text, HasSubstr("+2 ms"));
  EXPECT_THAT(text, HasSubstr("unreachable"));
  EXPECT_THAT(text, HasSubstr("\ngpu1 is drained: fans\n"));
  EXPECT_THAT(text, HasSubstr("gpu2: no SSH at gpu2: connection refused; start sshd\n"));
}

TEST(Hosts, OneThatCannotBeReachedHasTheRemedyOfItsLogin) {
  HostLine host = Line();
  host.answer = ProbeProblem{"is not a known host", "trust it: echo"};
  const Check check = Find(host, "reach");
  EXPECT_EQ(check.level, CheckLevel::kFailure);
  EXPECT_EQ(check.remedy, "trust it: echo");
  EXPECT_EQ(ChecksOf(host).size(), 1U);
}

TEST(Hosts, AFolderThatCannotBeUsedIsAFailure) {
  HostReport other = Report();
  other.folder_problem = "/x belongs to another machine";
  EXPECT_EQ(Find(Line(other), "host folder").level, CheckLevel::kFailure);
  HostReport noexec = Report();
  noexec.folder_is_executable = false;
  EXPECT_THAT(Find(Line(noexec), "host folder").text, HasSubstr("noexec"));
  HostReport shared = Report();
  shared.folder_is_on_network = true;
  EXPECT_EQ(Find(Line(shared), "host folder").level, CheckLevel::kWarning);
}

TEST(Hosts, LittleSpaceIsSaidAndNoSpaceIsAFailure) {
  HostReport report = Report();
  report.free_bytes = kGib;
  EXPECT_EQ(Find(Line(report), "disk space").level, CheckLevel::kWarning);
  report.free_bytes = 1000;
  EXPECT_EQ(Find(Line(report), "disk space").level, CheckLevel::kFailure);
}

TEST(Hosts, AClockThatIsOffIsHarmlessAndSaid) {
  HostReport report = Report();
  report.clock_us = -1'500'000;
  const Check check = Find(Line(report), "clock");
  EXPECT_EQ(check.level, CheckLevel::kWarning);
  EXPECT_EQ(check.text, "-1.500 s off ours");
  EXPECT_THAT(check.remedy, HasSubstr("harmless"));
}

TEST(Hosts, GpusThatHostsYamlExpectsAndThatAreNotThereAreAFailure) {
  HostLine host = Line();
  host.entry.gpus = std::vector<int>{0, 2, 3};
  const Check check = Find(host, "gpu");
  EXPECT_EQ(check.level, CheckLevel::kFailure);
  EXPECT_EQ(check.text, "hosts.yaml names GPU 2, 3, and there are 2");
}

TEST(Hosts, EachGpuIsSaidWithItsNameMemoryAndUuid) {
  EXPECT_EQ(Find(Line(), "gpu").text,
            "driver 535.104.05; 0: A100, 40.0 GiB, GPU-a; 1: A100, 40.0 GiB, GPU-b");
}

TEST(Hosts, ADriverThatDoesNotAnswerIsNotOneThatIsNotThere) {
  HostReport report = Report();
  report.facts.gpus.clear();
  report.facts.gpu_note = kNoNvidiaSmi;
  EXPECT_EQ(Find(Line(report), "gpu").level, CheckLevel::kOk);
  report.facts.gpu_note = "nvidia-smi did not answer within 10 s";
  EXPECT_EQ(Find(Line(report), "gpu").level, CheckLevel::kWarning);
  EXPECT_EQ(Find(Line(report), "gpu").text, "nvidia-smi did not answer within 10 s");
}

TEST(Hosts, OneWithoutAFolderInMemorySaysThatNothingIsFused) {
  HostReport report = Report();
  report.pipes_problem = "cannot write to /dev/shm: Permission denied";
  const Check check = Find(Line(HostReportFromJson(ToJsonText(report))), "fusion");
  EXPECT_EQ(check.level, CheckLevel::kWarning);
  EXPECT_EQ(check.text, "none: cannot write to /dev/shm: Permission denied");
  EXPECT_THAT(check.remedy, HasSubstr("a process each"));
}

TEST(Hosts, AnOldDriverAndMissingCoresAreSaid) {
  HostReport report = Report();
  report.driver = "470.82";
  EXPECT_THAT(Find(Line(report), "gpu").remedy, HasSubstr("525"));
  HostLine host = Line();
  host.entry.cpus = 8;
  EXPECT_EQ(Find(host, "cores").text, "4, not 8 as hosts.yaml says");
}

HostLine WithLibraries(std::vector<FoundLibrary> found, std::int64_t bytes = 512 << 20) {
  HostReport report = Report();
  report.libraries = std::move(found);
  HostLine host = Line(std::move(report));
  host.needed = {{{"libcublasLt.so.13", 130100}, bytes}};
  return host;
}

FoundLibrary Library(const std::string& file) {
  return {"libcublasLt.so.13", "/cuda/lib64/libcublasLt.so.13", file, false};
}

TEST(Hosts, ALibraryOfCudaThatFitsIsSaidWithItsVersion) {
  const Check check = Find(WithLibraries({Library("/cuda/libcublasLt.so.13.0.9.1"),
                                          Library("/cuda/libcublasLt.so.13.2.0.9")}),
                           "cuda");
  EXPECT_EQ(check.level, CheckLevel::kOk);
  EXPECT_EQ(check.text, "libcublasLt.so.13 13.2.0 (/cuda/lib64/libcublasLt.so.13)");
}

TEST(Hosts, WhatOfCudaWouldBeSentIsSaidWithItsSizeAndHowToAvoidIt) {
  const Check none = Find(WithLibraries({}), "cuda");
  EXPECT_EQ(none.level, CheckLevel::kWarning);
  EXPECT_EQ(none.text,
            "no libcublasLt.so.13 of 13.1.0 or later: a sweep of the built-in trainer on GPUs "
            "sends 512 MiB, once");
  EXPECT_THAT(none.remedy, HasSubstr("LD_LIBRARY_PATH"));
  const Check old = Find(WithLibraries({Library("/cuda/libcublasLt.so.13.0.0.19")}), "cuda");
  EXPECT_THAT(old.text, HasSubstr("; /cuda/lib64/libcublasLt.so.13 is 13.0.0: a sweep"));
  const Check unknown = Find(WithLibraries({Library("/cuda/libcublasLt.so.13")}), "cuda");
  EXPECT_THAT(unknown.text, HasSubstr("tells no version, is tried; if it is not"));
}

TEST(Hosts, WhatNobodyHasOfCudaIsSaid) {
  const Check check = Find(WithLibraries({}, 0), "cuda");
  EXPECT_THAT(check.text, HasSubstr("this machine has none to send"));
  EXPECT_THAT(check.remedy, HasSubstr("install CUDA's libraries there or here"));
}

TEST(Hosts, ThisMachineIsSentNothing) {
  HostLine here = WithLibraries({});
  here.entry.address = kLocalAddress;
  EXPECT_EQ(Find(here, "cuda").text, "libcublasLt.so.13, which sweeps send to hosts without");
  here.needed[0].bytes = 0;
  EXPECT_EQ(Find(here, "cuda").level, CheckLevel::kWarning);
  EXPECT_EQ(Find(here, "cuda").text, "no libcublasLt.so.13");
}

TEST(Hosts, WithoutGpusCudaIsOfNoInterest) {
  HostLine host = WithLibraries({});
  std::get<HostReport>(host.answer).facts.gpus.clear();
  EXPECT_EQ(Find(host, "cuda").name, "missing");
}

TEST(Hosts, AReportReadsBack) {
  HostReport report = Report();
  report.clock_us = 0;
  const HostReport back = HostReportFromJson(ToJsonText(report));
  EXPECT_EQ(ToJsonText(back), ToJsonText(report));
  EXPECT_EQ(back.facts.gpus, report.facts.gpus);
}

}  // namespace hosts_test
}  // namespace ddl
