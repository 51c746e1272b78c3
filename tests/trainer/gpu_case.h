// SPDX-License-Identifier: Apache-2.0
// One training on a device beside the same training on the CPU's plan.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "trainer/cuda/gpu_plan.h"
#include "trainer/initial_weights.h"
#include "trainer/plan.h"

namespace ddl {

// Rows of bytes around class centres, that a small network can learn.
struct ByteRows {
  ByteRows(std::size_t rows, std::size_t width, std::size_t classes)
      : bytes(rows * width), labels(rows), features(width) {
    std::mt19937 random(3);
    for (std::size_t row = 0; row < rows; ++row) {
      labels[row] = static_cast<std::int32_t>(row % classes);
      for (std::size_t i = 0; i < width; ++i) {
        const bool is_own = i % classes == row % classes;
        bytes[row * width + i] = static_cast<std::uint8_t>((is_own ? 120U : 40U) + random() % 100U);
      }
    }
  }

  [[nodiscard]] Split Rows() const {
    return {.features = std::span<const std::uint8_t>(bytes), .labels = labels};
  }
  [[nodiscard]] GpuData Data() const {
    return {.train = Rows(), .features = features, .affine = {{85.0F}, {1.0F / 64.0F}}};
  }

  std::vector<std::uint8_t> bytes;
  std::vector<std::int32_t> labels;
  std::size_t features;
};

// What lanes do in their step number `step` (1, 2, …): other rows each, a short batch now and then.
inline std::vector<std::uint32_t> RowsOf(std::size_t lane, std::uint64_t step, std::size_t batch,
                                         std::size_t rows) {
  const std::size_t count = step % 4 == 3 ? batch / 2 + lane % 2 : batch;
  std::vector<std::uint32_t> order(count);
  for (std::size_t i = 0; i < count; ++i)
    order[i] = static_cast<std::uint32_t>((lane * 31 + step * 17 + i * 7) % rows);
  return order;
}

inline double RateOf(const LaneSettings& lane, std::uint64_t step) {
  return lane.optimizer.lr / (1.0 + 0.1 * static_cast<double>(step));
}

// The CPU's plan of one lane, fed from the same rows.
class CpuLane {
 public:
  CpuLane(const ModelShape& shape, const LaneSettings& lane, const ByteRows& data)
      : plan_(shape, {lane}), lane_(lane), data_(data), affine_(data.Data().affine) {
    InitialiseWeights(plan_.Compiled(), Initialisation::kUniform, lane.seed, plan_.LaneBlock(0));
  }

  BatchScore Step(std::span<const std::uint32_t> rows, std::uint64_t step) {
    Load(rows);
    plan_.SetStep(0, rows.size(), step, RateOf(lane_, step));
    plan_.Step();
    return plan_.Score(0);
  }
  BatchScore Evaluate(std::span<const std::uint32_t> rows) {
    Load(rows);
    plan_.Evaluate(rows.size());
    return plan_.Score(0);
  }
  std::span<float> State() { return plan_.State(0); }

 private:
  void Load(std::span<const std::uint32_t> rows) {
    const BatchPlace place = plan_.Batch(0);
    GatherRows(data_.Rows(), rows, affine_, {place.features, rows.size() * place.stride},
               place.stride);
    GatherLabels(data_.Rows(), rows, place.labels.first(rows.size()));
  }

  Plan plan_;
  LaneSettings lane_;
  const ByteRows& data_;
  Affine affine_;
};

// Lanes of one shape on a device, fed in stretches.
class DeviceLanes {
 public:
  // They do what lanes number `first`, … do.
  DeviceLanes(GpuDevice& device, const GpuPlanSettings& settings, const ByteRows& data,
              std::size_t first = 0)
      : settings_(settings),
        first_(first),
        rows_(data.labels.size()),
        plan_(device, settings, data.Data()) {
    for (std::size_t lane = 0; lane < settings.lanes.size(); ++lane) {
      std::vector<float> block(plan_.Compiled().layout.Floats());
      InitialiseWeights(plan_.Compiled(), Initialisation::kUniform, settings.lanes[lane].seed,
                        block.data());
      plan_.SetState(lane, std::span(block).first(plan_.Compiled().state_floats));
    }
  }

  // Steps first, …, last; by [step][lane].
  std::vector<BatchScore> Steps(std::uint64_t first, std::uint64_t last) {
    std::vector<BatchScore> scores;
    for (std::uint64_t step = first; step <= last; step += settings_.stretch) {
      const std::uint64_t end = std::min<std::uint64_t>(step + settings_.stretch, last + 1);
      const std::vector<BatchScore> some = Stretch(step, end);
      scores.insert(scores.end(), some.begin(), some.end());
    }
    return scores;
  }

  GpuPlan& Compiled() { return plan_; }

 private:
  std::vector<BatchScore> Stretch(std::uint64_t first, std::uint64_t end) {
    std::vector<std::vector<std::uint32_t>> rows;
    std::vector<LaneBatch> batches;
    for (std::uint64_t step = first; step < end; ++step) {
      for (std::size_t lane = 0; lane < settings_.lanes.size(); ++lane)
        rows.push_back(RowsOf(first_ + lane, step, settings_.shape.batch, rows_));
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::size_t lane = i % settings_.lanes.size();
      const std::uint64_t step = first + i / settings_.lanes.size();
      batches.push_back({.rows = rows[i], .step = step, .lr = RateOf(settings_.lanes[lane], step)});
    }
    plan_.Train(batches);
    return plan_.Scores();
  }

  GpuPlanSettings settings_;
  std::size_t first_;
  std::size_t rows_;
  GpuPlan plan_;
};

inline double LargestGap(std::span<const float> a, std::span<const float> b) {
  double gap = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double own = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    gap = own > gap || std::isnan(own) ? own : gap;
  }
  return gap;
}

inline double MeanGap(std::span<const float> a, std::span<const float> b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
  return sum / static_cast<double>(a.size());
}

}  // namespace ddl
