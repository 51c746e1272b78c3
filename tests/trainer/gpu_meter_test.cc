// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/gpu_meter.h"

#include <gtest/gtest.h>

#include "trainer/metric_line.h"

namespace ddl {
namespace gpu_meter_test {

constexpr const char* kStub = DDL_BINARY_DIR "/stubs/nvml/libnvidia-ml.so.1";

TEST(GpuMeter, CountsTheEnergySinceItBegan) {
  const auto meter = GpuMeter::Begin("GPU-new", kStub);
  ASSERT_TRUE(meter);
  const GpuUse first = meter->Read();
  EXPECT_EQ(first.joules, 2.5);
  EXPECT_EQ(first.clock_mhz, 1980);
  EXPECT_EQ(first.percent_busy, 87);
  EXPECT_EQ(meter->Read().joules, 5.0);
}

TEST(GpuMeter, LeavesOutWhatOneOfItsGpusDoesNotTell) {
  const auto meter = GpuMeter::Begin("GPU-new,GPU-old", kStub);
  ASSERT_TRUE(meter);
  const GpuUse use = meter->Read();
  EXPECT_EQ(use.joules, std::nullopt);
  EXPECT_EQ(use.clock_mhz, (1980 + 1000) / 2.0);
  EXPECT_EQ(use.percent_busy, (87 + 12) / 2.0);
}

TEST(GpuMeter, IsNothingWithoutGpusDriverOrWhereOneIsUnknown) {
  EXPECT_FALSE(GpuMeter::Begin("", kStub));
  EXPECT_FALSE(GpuMeter::Begin(",", kStub));
  EXPECT_FALSE(GpuMeter::Begin("GPU-new", "libddl-no-driver.so.1"));
  EXPECT_FALSE(GpuMeter::Begin("GPU-new,GPU-lost", kStub));
}

TEST(GpuMeter, TellsWhoSharesAGpuItsClockAndUseAlone) {
  SharedGpuMeter shared(GpuMeter::Begin("GPU-new", kStub));
  const GpuUse use = shared.Read();
  EXPECT_EQ(use.joules, std::nullopt);
  EXPECT_EQ(use.clock_mhz, 1980);
  EXPECT_EQ(use.percent_busy, 87);
  const GpuUse none = SharedGpuMeter(std::nullopt).Read();
  EXPECT_EQ(none.clock_mhz, std::nullopt);
}

TEST(GpuMeter, AddsToALineWhatIsKnown) {
  const std::string line = "{\"step\": 1, \"lr\": 0.1}\n";
  EXPECT_EQ(WithGpuUse(line, {}), line);
  EXPECT_EQ(WithGpuUse(line, {.joules = 12.5, .percent_busy = 99}),
            "{\"step\": 1, \"lr\": 0.1, \"gpu_joules\": 12.5, \"gpu_percent_busy\": 99}\n");
  const std::string whole = WithGpuUse(EpochLine({.epoch = 1}), {.clock_mhz = 1980});
  EXPECT_TRUE(whole.ends_with(", \"gpu_clock_mhz\": 1980}\n")) << whole;
}

}  // namespace gpu_meter_test
}  // namespace ddl
