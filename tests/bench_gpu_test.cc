// SPDX-License-Identifier: Apache-2.0
// bench/gpu without a GPU: a copy of it among programs that are small scripts and do as variables
// tell them. What an hour on hardware must not lose is tried here.
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trainer/temporary_folder.h"

namespace ddl {
namespace bench_gpu_test {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

// FAILING, CRASHING: a file of tests. One is skipped in gpu_bfloat16_test.
constexpr const char* kTests = R"sh(#!/bin/sh
[ "$OMP_NUM_THREADS" = 1 ] && [ "$DDL_NEEDS_GPU" = 1 ] || { echo "no variables"; exit 9; }
echo "[ RUN      ] All/Plan.Adds/two"
set -- "$1" "${2:-all}"
[ "$2" != "$CRASHING" ] || kill -SEGV $$
[ "$2" != gpu_bfloat16_test ] || {
  echo "a.cc:7: Skipped"
  echo "no such processor"
  echo "[  SKIPPED ] All/Plan.Adds/two (0 ms)";
}
[ "$2" != "$FAILING" ] || echo "[  FAILED  ] All/Plan.Adds/two, where GetParam() = 2 (3 ms)"
echo "[==========] 1 test from 1 test suite ran. (3 ms total)"
[ "$2" != "$FAILING" ]
)sh";

// HANGING: "MODEL,PRODUCTS,STREAMS", at which it says half a line, and who it is, and sleeps.
constexpr const char* kBench = R"sh(#!/bin/sh
[ -n "$NEEDS_PATH" ] && [ -z "$LD_LIBRARY_PATH" ] && { echo "no library"; exit 3; }
streams=1
while [ $# -gt 0 ]; do
  case $1 in
    --models) model=$2 ;;
    --products) products=$2 ;;
    --lanes) lanes=$2 ;;
    --streams) streams=$2 ;;
    --library) [ -e "$2" ] || exit 3 ;;
  esac
  shift
done
if [ "$model,$products,$streams" = "$HANGING" ]; then
  printf '{"gpu": "torn, "lanes": 6'
  echo $$ >sleeper.new && mv sleeper.new sleeper
  exec sleep 300
fi
for lane in $(echo "$lanes" | tr , ' '); do
  echo "{\"gpu\": \"Fake GPU\", \"model\": \"$model\", \"precision\": \"$products\"," \
    "\"driver_serves_cuda\": 13000, \"finishes\": \"in products\", \"lanes\": $lane, \"streams\": $streams," \
    "\"model_steps_per_s\": $((lane * 5000 + streams)), \"bytes_per_step\": 9e6," \
    "\"memory_bytes_per_s\": 3e12}"
done
)sh";

// LOSING: a sweep that fails. VALUE: of the best trial.
constexpr const char* kDdl = R"sh(#!/bin/sh
[ -n "$NEEDS_PATH" ] && [ -z "$LD_LIBRARY_PATH" ] && { echo "no library"; exit 3; }
case $1 in
  data) echo "data are there" ;;
  sweep) case $2 in *"/$LOSING.yaml") echo "out of luck"; exit 1 ;; esac ;;
  report) echo '{"best": {"trial": 1, "value": '"${VALUE:-0.951}"'}, "speed": {"joules": 120.5},'
          echo ' "curves": [{"trial": 1, "points": [{"value": null}, {"value": 0.9}]}]}' ;;
  show) echo '{"metrics": [{"metric": "gpu_clock_mhz", "min": 1980, "last": 1980, "max": 1980}]}' ;;
  logs) echo "Fake GPU: ready after 12 ms" ;;
  stop) echo "$2" >>stopped ;;
esac
)sh";

constexpr const char* kSmi = R"sh(#!/bin/sh
[ -z "$LD_LIBRARY_PATH" ] || exit 1
echo "Fake GPU, 570.1"
)sh";

// A Python with PyTorch, whose folders are asked for with -c.
constexpr const char* kPython = R"sh(#!/bin/sh
[ -z "$LD_LIBRARY_PATH" ] || exit 1
if [ "$1" = -c ]; then echo "$PWD/site/nvidia/cu13/lib"; exit; fi
echo '{"peer": "vmap", "way": "captured", "model": "mlp", "precision": "tf32", "lanes": 64,' \
  '"model_steps_per_s": 1000.0}'
)sh";

// As where libcublasLt is not where the loader looks by itself, and one more is missing.
constexpr const char* kLdd = R"sh(#!/bin/sh
[ -n "$LD_LIBRARY_PATH" ] || echo "	libcublasLt.so.13 => not found"
echo "	libother.so.2 => not found"
)sh";

constexpr const char* kSanitizer = R"sh(#!/bin/sh
while [ "$1" != build/release/tests/trainer_tests ]; do shift; done
exec "$@"
)sh";

struct Ended {
  int code = 0;
  std::string text;
};

class BenchGpu : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("python3 -c '' 2>/dev/null") != 0) GTEST_SKIP() << "no python3 in PATH";
    for (const char* name : {"bench/gpu", "bench/gpu_table.py", "configs/fashion-resnet.yaml",
                             "tests/trainer/gpu_tests.txt"}) {
      fs::create_directories((folder_.Path() / name).parent_path());
      fs::copy_file(fs::path(DDL_SOURCE_DIR) / name, folder_.Path() / name);
    }
    for (const char* name : {"ddl", "ddl-agent", "ddl-trainer"})
      Write(fs::path("build/release") / name, kDdl);
    Write("build/release/libddl_cuda.so", "");
    Write("build/release/bench/trainer_gpu_bench", kBench);
    Write("build/release/tests/trainer_tests", kTests);
    Write("bin/nvidia-smi", kSmi);
    Write("bin/compute-sanitizer", kSanitizer);
    Write("bin/python-of-peers", kPython);
    Write("site/nvidia/cu13/lib/libcublasLt.so.13", "");
    Write("tinyshakespeare.txt", "");
  }

  void Write(const fs::path& name, const std::string& text) const {
    const fs::path path = folder_.Path() / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    fs::permissions(path, fs::perms::owner_all);
  }

  // Of a command of Bash in that folder, with variables before it.
  [[nodiscard]] Ended Run(const std::string& variables, const std::string& command) const {
    const std::string folder = folder_.Path();
    Write("command", "cd " + folder +
                         "\nunset LD_LIBRARY_PATH CUDA_HOME PEER_PYTHON DDL_BOX_PERCENT\n"
                         "export PATH=$PWD/bin:$PATH DDL_DATA=/nowhere:$PWD " +
                         variables + "\n" + command + "\n");
    FILE* pipe = popen(("bash " + folder + "/command 2>&1").c_str(), "r");
    Ended ended;
    std::array<char, 4096> piece{};
    while (std::fgets(piece.data(), piece.size(), pipe) != nullptr)
      ended.text += piece.data();
    const int status = pclose(pipe);
    ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ended;
  }

  [[nodiscard]] std::string TextOf(const std::string& name) const {
    std::ifstream stream(folder_.Path() / name);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }

  TrainerFolder folder_;
};

constexpr const char* kRate =
    "| MLP, 64 lanes, tf32 | 320,002 steps/s in 2 streams | >= 300,000 model steps/s | reached |";

TEST_F(BenchGpu, EndsInATableAndExitsWithZeroWhenAllIsWell) {
  const Ended ended = Run("PEER_PYTHON=python-of-peers", "bench/gpu --built");
  EXPECT_EQ(ended.code, 0) << ended.text;
  EXPECT_THAT(ended.text, HasSubstr("\n== table\nFake GPU, driver 570.1 for CUDA 13.0, 20"));
  EXPECT_THAT(ended.text, HasSubstr(kRate));
  EXPECT_THAT(ended.text, HasSubstr("beside 1,000 steps/s (vmap, captured): 320.00 times"));
  EXPECT_THAT(ended.text, HasSubstr("| 0.9510 in "));
  EXPECT_THAT(ended.text, HasSubstr("\"joules\": 120.5"));
  EXPECT_THAT(ended.text, HasSubstr("\"gpu_clock_mhz\": {\"min\": 1980"));
  EXPECT_THAT(ended.text, HasSubstr("Fake GPU: ready after 12 ms"));
  EXPECT_THAT(ended.text, HasSubstr("note: gpu_bfloat16_test: 1 skipped: no such processor\n"));
  EXPECT_THAT(ended.text, HasSubstr("compute-sanitizer memcheck: passed"));
  EXPECT_THAT(ended.text, Not(HasSubstr("FAILED")));
}

TEST_F(BenchGpu, WhatFailsIsToldByNameAndEndsNothingElse) {
  const Ended ended =
      Run("FAILING=gpu_plan_test CRASHING=cuda_models_test LOSING=mlp256 VALUE=null",
          "bench/gpu --built --quick");
  EXPECT_EQ(ended.code, 1);
  const std::string table = ended.text.substr(ended.text.find("\n== table\n"));
  EXPECT_THAT(table, HasSubstr(kRate));
  EXPECT_THAT(table, HasSubstr("\nFAILED: gpu_plan_test: All/Plan.Adds/two\n"));
  EXPECT_THAT(table, HasSubstr("\nFAILED: cuda_models_test: ended with code 139 in "
                               "All/Plan.Adds/two\n"));
  EXPECT_THAT(table, HasSubstr("\nFAILED: sweep mlp256 300"));
  EXPECT_THAT(table, HasSubstr("of it | not measured |"));
  EXPECT_THAT(table, HasSubstr("| ResNet with augment: test accuracy | not measured |"));
  EXPECT_THAT(table, HasSubstr("epochs of it | not measured"));
  EXPECT_THAT(table, HasSubstr("| 20 CNN trials, packed | 0."));
  EXPECT_EQ(TextOf("stopped"), "mlp256\n");  // or its trials would run beside what comes next
}

TEST_F(BenchGpu, WhatHangsIsCutByItsBoxAndATornLineLosesNoOther) {
  const Ended ended = Run("HANGING=cnn,tf32,1 DDL_BOX_PERCENT=2", "bench/gpu --built --quick");
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.text, HasSubstr("ended after its 3.60 s: "));
  EXPECT_THAT(ended.text, HasSubstr(kRate));
  EXPECT_THAT(ended.text, HasSubstr("FAILED: bench --models cnn --products tf32 --lanes 1,4,20"));
  EXPECT_THAT(ended.text, HasSubstr("\nTorn lines, left out: 1\n"));
}

TEST_F(BenchGpu, TermToItsGroupPrintsTheTableOfWhatWasMeasured) {
  const auto begin = std::chrono::steady_clock::now();
  const Ended ended = Run("HANGING=cnn,tf32,1",
                          "setsid bench/gpu --built --quick & group=$!\n"
                          "until [ -e sleeper ]; do sleep 0.05; done\n"
                          "kill -TERM -- -$group; code=0; wait $group || code=$?\n"
                          "kill -0 $(cat sleeper) 2>/dev/null && echo 'it sleeps on'\n"
                          "exit $code");
  EXPECT_EQ(ended.code, 143);
  EXPECT_THAT(ended.text, HasSubstr(kRate));
  EXPECT_THAT(ended.text, HasSubstr("\nnote: ended by a signal during: env build/release/bench/"));
  EXPECT_THAT(ended.text, Not(HasSubstr("it sleeps on")));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::minutes(2));
}

TEST_F(BenchGpu, LibrariesAreForItsOwnProgramsAlone) {
  Write("bin/ldd", kLdd);
  const Ended ended = Run("NEEDS_PATH=1 PEER_PYTHON=python-of-peers", "bench/gpu --built --quick");
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.text, HasSubstr("libcublasLt.so.13: /"));
  EXPECT_THAT(ended.text, HasSubstr("\nFAILED: libother.so.2 is not found: put it into "
                                    "build/release/carried-libs"));
  EXPECT_THAT(ended.text, Not(HasSubstr("no library")));
  EXPECT_THAT(ended.text, HasSubstr("\n== table\nFake GPU, driver 570.1 for CUDA 13.0, 20"));
  EXPECT_THAT(ended.text, HasSubstr("beside 1,000 steps/s (vmap, captured)"));
}

}  // namespace bench_gpu_test
}  // namespace ddl
