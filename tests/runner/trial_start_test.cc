// SPDX-License-Identifier: Apache-2.0
#include "runner/trial_start.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ddl {
namespace trial_start_test {

using ::testing::Contains;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

std::map<std::string, std::string> VariablesWith(std::vector<GpuShare> gpus) {
  LaunchRecord launch{.id = {{1}, 0}, .token = "0123", .sweep = "s"};
  launch.slots.gpus = std::move(gpus);
  const Environment environment = TrialEnvironment(launch, {"/host", "0123456789abcdef", "/pipes"});
  std::map<std::string, std::string> variables;
  for (const char* entry : environment.pointers) {
    const std::string_view text = entry == nullptr ? "" : entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      variables[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  }
  return variables;
}

// The same number may be another GPU's once one is gone.
TEST(TrialEnvironment, TellsGpusByNameAndNotByNumber) {
  const auto variables =
      VariablesWith({{.uuid = "GPU-b", .index = 1}, {.uuid = "GPU-d", .index = 3}});
  EXPECT_THAT(variables, Contains(Pair("CUDA_VISIBLE_DEVICES", "GPU-b,GPU-d")));
  EXPECT_THAT(variables, Contains(Pair("CUDA_DEVICE_ORDER", "PCI_BUS_ID")));
  EXPECT_THAT(variables, Contains(Pair("DDL_GPUS", "GPU-b,GPU-d")));
}

TEST(TrialEnvironment, TellsOfASharedGpuThatItIsNotTheTrialsOwn) {
  const auto variables =
      VariablesWith({{.uuid = "GPU-b", .index = 1, .first = 250, .length = 250}});
  EXPECT_THAT(variables, Contains(Pair("CUDA_VISIBLE_DEVICES", "GPU-b")));
  EXPECT_THAT(variables, Contains(Pair("DDL_GPUS", "")));
}

TEST(TrialEnvironment, TellsOfAGpuWithoutANameByItsNumber) {
  EXPECT_THAT(VariablesWith({{.uuid = "", .index = 2}}),
              Contains(Pair("CUDA_VISIBLE_DEVICES", "2")));
}

TEST(TrialEnvironment, WithoutGpusSaysNothingOfThem) {
  EXPECT_THAT(VariablesWith({}), Not(Contains(Key("DDL_GPUS"))));
}

}  // namespace trial_start_test
}  // namespace ddl
