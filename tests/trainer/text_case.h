// SPDX-License-Identifier: Apache-2.0
// A text that lanes on a device read windows of, beside the CPU's plan fed with the same windows.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "tests/trainer/gpu_case.h"
#include "trainer/cuda/gpu_plan.h"

namespace ddl {

inline constexpr std::size_t kVocabulary = 11;
inline constexpr std::size_t kTokens = 600;

// A token often follows the one before it by three.
struct Text {
  Text() : tokens(kTokens) {
    std::mt19937 random(4);
    for (std::size_t i = 1; i < tokens.size(); ++i) {
      const bool is_regular = random() % 4 != 0;
      tokens[i] =
          static_cast<std::uint8_t>((is_regular ? tokens[i - 1] + 3U : random()) % kVocabulary);
    }
  }
  [[nodiscard]] GpuData Data(std::size_t length) const {
    return {.train = {.features = std::span<const std::uint8_t>(tokens), .labels = {}},
            .features = length,
            .affine = {},
            .is_text = true};
  }
  std::vector<std::uint8_t> tokens;
};

// The CPU's plan of a lane, fed with windows as trainer/task.cc does it.
class CpuText {
 public:
  CpuText(const GpuPlanSettings& settings, std::size_t lane, const Text& text)
      : plan_(settings.shape, {settings.lanes[lane]}), text_(text) {
    InitialiseWeights(plan_.Compiled(), Initialisation::kUniform, settings.lanes[lane].seed,
                      plan_.LaneBlock(0));
  }
  void Load(std::span<const std::uint32_t> begins) {
    const BatchPlace place = plan_.Batch(0);
    const std::size_t length = plan_.Compiled().shape.features;
    for (std::size_t row = 0; row < begins.size(); ++row)
      for (std::size_t i = 0; i < length; ++i) {
        place.features[row * place.stride + i] = static_cast<float>(text_.tokens[begins[row] + i]);
        place.labels[row * length + i] = text_.tokens[begins[row] + i + 1];
      }
  }
  Plan& Compiled() { return plan_; }

 private:
  Plan plan_;
  const Text& text_;
};

inline std::unique_ptr<GpuPlan> MakePlan(GpuDevice& device, const GpuPlanSettings& settings,
                                         const Text& text) {
  auto plan = std::make_unique<GpuPlan>(device, settings, text.Data(settings.shape.features));
  for (std::size_t lane = 0; lane < settings.lanes.size(); ++lane) {
    std::vector<float> block(plan->Compiled().layout.Floats());
    InitialiseWeights(plan->Compiled(), Initialisation::kUniform, settings.lanes[lane].seed,
                      block.data());
    plan->SetState(lane, std::span(block).first(plan->Compiled().state_floats));
  }
  return plan;
}

// Where windows begin, of up to 191 tokens and one behind.
inline constexpr std::size_t kPlaces = kTokens - 192;

inline void Step(GpuPlan& plan, const GpuPlanSettings& settings, std::uint64_t step) {
  std::vector<std::vector<std::uint32_t>> rows;
  for (std::size_t lane = 0; lane < settings.lanes.size(); ++lane)
    rows.push_back(RowsOf(lane, step, settings.shape.batch, kPlaces));
  std::vector<LaneBatch> batches;
  for (const std::vector<std::uint32_t>& own : rows)
    batches.push_back({.rows = own, .step = step, .lr = 2e-3});
  plan.Train(batches);
}

}  // namespace ddl
