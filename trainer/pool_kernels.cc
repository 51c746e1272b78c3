// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cassert>

#include "trainer/clones.h"
#include "trainer/pool.h"

namespace ddl {

namespace {

// Where the windows of one sample lie, in floats.
struct PoolPlaces {
  ImageSize windows;
  ImageSize window;
  std::size_t line = 0;   // between rows of the input image
  std::size_t pixel = 0;  // between its pixels: channels, and padding where it has any
  std::size_t out = 0;    // between pixels of the output
};

PoolPlaces PlacesOf(const PoolStage& stage) {
  const ImageLayout& image = stage.image;
  return {
      .windows = {image.size.height / stage.window.height, image.size.width / stage.window.width},
      .window = stage.window,
      .line = image.size.width * image.pixel,
      .pixel = image.pixel,
      .out = stage.output.values.Stride()};
}

// Calls function(first pixel of the window, output pixel) for each window of a sample; both in
// floats from the sample's start.
template <class Function>
DDL_INLINE void ForEachWindow(const PoolPlaces& at, Function function) {
  for (std::size_t y = 0; y < at.windows.height; ++y) {
    for (std::size_t x = 0; x < at.windows.width; ++x) {
      function(y * at.window.height * at.line + x * at.window.width * at.pixel,
               (y * at.windows.width + x) * at.out);
    }
  }
}

// Calls function(pixel) for each pixel of a window, in floats from its first.
template <class Function>
DDL_INLINE void ForEachPixel(const PoolPlaces& at, Function function) {
  for (std::size_t dy = 0; dy < at.window.height; ++dy) {
    for (std::size_t dx = 0; dx < at.window.width; ++dx) {
      function(dy * at.line + dx * at.pixel);
    }
  }
}

DDL_CLONES void MaximumForward(const PoolPlaces& at, const float* __restrict in,
                               float* __restrict out) {
  ForEachWindow(at, [&](std::size_t first, std::size_t place) {
    const float* window = in + first;
    float* best = out + place;
    std::copy_n(window, at.pixel, best);
    ForEachPixel(at, [&](std::size_t pixel) {
      for (std::size_t c = 0; c < at.pixel; ++c) {
        const float value = window[pixel + c];
        // A NaN stays: a diverged layer must not hide.
        best[c] = value > best[c] || value != value ? value : best[c];
      }
    });
  });
}

// `left` is what of a window's gradient has found no pixel yet: room for one pixel.
DDL_CLONES void MaximumBackward(const PoolPlaces& at, const float* __restrict in,
                                const float* __restrict out, const float* __restrict out_gradient,
                                float* __restrict left, float* __restrict gradient) {
  ForEachWindow(at, [&](std::size_t first, std::size_t place) {
    std::copy_n(out_gradient + place, at.pixel, left);
    ForEachPixel(at, [&](std::size_t pixel) {
      const float* values = in + first + pixel;
      float* to = gradient + first + pixel;
      for (std::size_t c = 0; c < at.pixel; ++c) {
        const bool is_best = values[c] == out[place + c];
        to[c] = is_best ? left[c] : 0.0F;
        left[c] = is_best ? 0.0F : left[c];
      }
    });
  });
}

DDL_CLONES void MeanForward(const PoolPlaces& at, const float* __restrict in,
                            float* __restrict out) {
  const float share = 1.0F / static_cast<float>(at.window.Pixels());
  ForEachWindow(at, [&](std::size_t first, std::size_t place) {
    float* sum = out + place;
    std::fill_n(sum, at.pixel, 0.0F);
    ForEachPixel(at, [&](std::size_t pixel) {
      for (std::size_t c = 0; c < at.pixel; ++c) {
        sum[c] += in[first + pixel + c];
      }
    });
    for (std::size_t c = 0; c < at.pixel; ++c) {
      sum[c] *= share;
    }
  });
}

DDL_CLONES void MeanBackward(const PoolPlaces& at, const float* __restrict out_gradient,
                             float* __restrict gradient) {
  const float share = 1.0F / static_cast<float>(at.window.Pixels());
  ForEachWindow(at, [&](std::size_t first, std::size_t place) {
    ForEachPixel(at, [&](std::size_t pixel) {
      for (std::size_t c = 0; c < at.pixel; ++c) {
        gradient[first + pixel + c] = out_gradient[place + c] * share;
      }
    });
  });
}

// Pixels that no window covers have no gradient.
bool CoversAll(const PoolStage& stage) {
  return stage.image.size.height % stage.window.height == 0 &&
         stage.image.size.width % stage.window.width == 0;
}

}  // namespace

void Forward(const PoolStage& stage, const LaneRun& run) {
  PoolSamples(stage, run, {.first = 0, .count = run.rows});
}

void PoolSamples(const PoolStage& stage, const LaneRun& run, SampleRange samples) {
  const PoolPlaces at = PlacesOf(stage);
  const std::size_t in_floats = stage.image.sample;
  const std::size_t out_floats = stage.output.places * at.out;
  for (std::size_t i = samples.first; i < samples.first + samples.count; ++i) {
    const float* in = run.At(stage.input.values) + i * in_floats;
    float* out = run.At(stage.output.values) + i * out_floats;
    stage.kind == PoolKind::kMaximum ? MaximumForward(at, in, out) : MeanForward(at, in, out);
  }
}

void Backward(const PoolStage& stage, const LaneRun& run) {
  UnpoolSamples(stage, run, {.first = 0, .count = run.rows});
}

void UnpoolSamples(const PoolStage& stage, const LaneRun& run, SampleRange samples) {
  if (stage.input.gradient.IsEmpty()) return;
  const PoolPlaces at = PlacesOf(stage);
  const std::size_t in_floats = stage.image.sample;
  const std::size_t out_floats = stage.output.places * at.out;
  const bool covers_all = CoversAll(stage);
  for (std::size_t i = samples.first; i < samples.first + samples.count; ++i) {
    const float* out_gradient = run.At(stage.output.gradient) + i * out_floats;
    float* to = run.At(stage.input.gradient) + i * in_floats;
    if (!covers_all) std::fill_n(to, in_floats, 0.0F);
    if (stage.kind == PoolKind::kMean) {
      MeanBackward(at, out_gradient, to);
      continue;
    }
    MaximumBackward(at, run.At(stage.input.values) + i * in_floats,
                    run.At(stage.output.values) + i * out_floats, out_gradient, run.At(stage.left),
                    to);
  }
}

}  // namespace ddl
