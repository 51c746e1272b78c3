// SPDX-License-Identifier: Apache-2.0
// The three products of a convolution beside their definition in double; division by a product and
// a shift.
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "tests/trainer/kernel_case.h"
#include "trainer/bfloat16_bits.h"
#include "trainer/cuda/program_builder.h"

namespace ddl {
namespace gpu_window_test {

constexpr std::size_t kSamples = 3;

struct WindowCase {
  std::string name;
  ImageLayout image;
  Window window;
  std::size_t outputs = 1;
};

ImageLayout Images(std::size_t height, std::size_t width, std::size_t channels, std::size_t pixel) {
  return {.size = {.height = height, .width = width},
          .channels = channels,
          .pixel = pixel,
          .sample = PaddedWidth(height * width * pixel)};
}

// Grey and coloured data, which lie without padding; fours of channels and not; strides that leave
// lines over, that see some pixels with fewer taps than others, or not at all; windows beyond a
// slab, a tile of rows (of 128 as well, where columns are few) and one of columns.
const std::vector<WindowCase> kCases = {
    {"Grey", Images(6, 5, 1, 1), {.size = 3, .stride = 1, .padding = 1}, 20},
    {"Coloured", Images(5, 7, 3, 3), {.size = 5, .stride = 2, .padding = 0}, 5},
    {"OddChannels", Images(5, 4, 6, 16), {.size = 3, .stride = 1, .padding = 1}, 17},
    {"HalvedOdd", Images(7, 6, 8, 16), {.size = 3, .stride = 2, .padding = 1}, 16},
    {"HalvedSingle", Images(5, 8, 20, 32), {.size = 1, .stride = 2, .padding = 0}, 70},
    {"LeftOver", Images(8, 7, 4, 16), {.size = 2, .stride = 3, .padding = 0}, 3},
    {"Single", Images(3, 3, 80, 80), {.size = 1, .stride = 1, .padding = 0}, 12},
    {"Wide", Images(4, 4, 32, 32), {.size = 4, .stride = 3, .padding = 2}, 33},
    {"Tall", Images(8, 9, 8, 16), {.size = 3, .stride = 1, .padding = 1}, 24},
};

// Lines and columns that no square has; strides; one tile and several, of rows and of columns.
const std::vector<WindowCase> kPooledCases = {
    {"Grey", Images(10, 9, 1, 1), {.size = 3, .stride = 1, .padding = 1}, 20},
    {"Odd", Images(7, 7, 6, 16), {.size = 3, .stride = 1, .padding = 1}, 17},
    {"Halved", Images(9, 8, 16, 16), {.size = 3, .stride = 2, .padding = 1}, 70},
    {"Narrow", Images(7, 6, 4, 16), {.size = 5, .stride = 1, .padding = 0}, 3},
};

// A model of one stage, without bias and activation or, pooled, with both. All but the weights in
// bfloat16 or not.
Model ModelOf(const WindowCase& at, bool is_pooled, bool is_bfloat16) {
  ConvStage stage;
  stage.window = at.window;
  stage.image = at.image;
  stage.places = at.window.Output(at.image.size);
  const std::size_t pixels = at.image.size.Pixels();
  const std::size_t rows = kSamples * stage.places.Pixels();
  const std::size_t weights = at.window.size * at.window.size * at.image.channels;
  LaneLayout layout;
  stage.input.values = layout.Add("images", kSamples, at.image.sample, is_bfloat16);
  stage.input.gradient = layout.Add("gradient", kSamples * pixels, at.image.channels, is_bfloat16);
  stage.output.values = layout.Add("output", rows, at.outputs, is_bfloat16);
  stage.output.gradient = layout.Add("gradient", rows, at.outputs, is_bfloat16);
  stage.output.places = stage.places.Pixels();
  stage.pre = stage.output.values;
  stage.weight.value = layout.Add("weight", weights, at.outputs);
  if (is_bfloat16) stage.weight.rounded = layout.Add("rounded", weights, at.outputs, true);
  stage.weight.gradient = layout.Add("gradient", weights, at.outputs);
  if (is_pooled) {
    stage.activation = Activation::kTanh;
    stage.bias.value = layout.Add("bias", 1, at.outputs);
    stage.bias.gradient = layout.Add("gradient", 1, at.outputs);
    const ImageSize pooled = Pooled(stage.places);
    PoolStage& pool = stage.pool.emplace();
    pool.window = {.height = 2, .width = 2};
    pool.input = stage.output;
    const std::size_t maxima = kSamples * pooled.Pixels();
    pool.output.values = layout.Add("maxima", maxima, at.outputs, is_bfloat16);
    pool.output.gradient = layout.Add("gradient", maxima, at.outputs, is_bfloat16);
    pool.output.places = pooled.Pixels();
  }
  Model model;
  model.shape.batch = kSamples;
  model.shape.precision = is_bfloat16 ? Precision::kBfloat16 : Precision::kFloat32;
  model.layout = layout;
  model.stages.emplace_back(stage);
  return model;
}

float RoundedAs(ProductPrecision precision, float value) {
  if (precision == ProductPrecision::kTensorFloat32) return RoundedToTensorFloat(value);
  if (precision == ProductPrecision::kBfloat16) return LowOf(RoundedPair(value, 0.0F));
  return value;
}

class GpuWindow : public testing::TestWithParam<WindowCase> {
 protected:
  explicit GpuWindow(bool is_pooled = false) : is_pooled_(is_pooled) {}

  // Calls function(order of threads) for each precision and both orders, over a lane of its own.
  template <class Function>
  void ForEachWay(Function function) {
    for (const ProductPrecision precision :
         {ProductPrecision::kFloat32, ProductPrecision::kTensorFloat32,
          ProductPrecision::kBfloat16}) {
      for (const ThreadOrder order : {ThreadOrder::kUp, ThreadOrder::kDown}) {
        Begin(precision);
        function(order);
      }
    }
  }
  [[nodiscard]] const ConvStage& Stage() const { return std::get<ConvStage>(model_.stages[0]); }
  [[nodiscard]] std::size_t Width() const { return Stage().weight.value.cols; }
  [[nodiscard]] const Model& Stages() const { return model_; }
  [[nodiscard]] LaneFloats Arena() { return memory_.Arena(); }

  // Of stored numbers: as they are, as the products round them, and that they are what they should
  // be.
  [[nodiscard]] double At(const Tensor& tensor, std::size_t row, std::size_t col) {
    return static_cast<double>(
        NumbersOf(tensor).At(memory_.Arena(), 1, row * tensor.Stride() + col));
  }
  [[nodiscard]] double Factor(const Tensor& tensor, std::size_t row, std::size_t col) {
    return static_cast<double>(RoundedAs(precision_, static_cast<float>(At(tensor, row, col))));
  }
  void ExpectAt(const Tensor& tensor, std::size_t row, std::size_t col, double expected) {
    const double rounding = tensor.is_bfloat16 ? std::abs(expected) / 256.0 : 0.0;
    ASSERT_NEAR(At(tensor, row, col), expected, 5e-5 + rounding) << row << ", " << col;
  }
  // Calls function(place of the output, row of the weights, sample, pixel of all samples, number of
  // the sample) for all numbers of windows that lie within images.
  void ForEachMeeting(const std::function<void(std::size_t, std::size_t, std::size_t, std::size_t,
                                               std::size_t)>& function) {
    const ImageLayout& image = Stage().image;
    const Window& window = Stage().window;
    std::size_t place = 0;
    for (std::size_t sample = 0; sample < kSamples; ++sample)
      for (std::size_t top = 0; top < Stage().places.height; ++top)
        for (std::size_t left = 0; left < Stage().places.width; ++left, ++place)
          for (std::size_t row = 0; row < Stage().weight.value.rows; ++row) {
            const std::size_t tap = row / image.channels;
            const std::size_t y = top * window.stride + tap / window.size - window.padding;
            const std::size_t x = left * window.stride + tap % window.size - window.padding;
            if (y >= image.size.height || x >= image.size.width) continue;
            const std::size_t pixel = y * image.size.width + x;
            function(place, row, sample, sample * image.size.Pixels() + pixel,
                     pixel * image.pixel + row % image.channels);
          }
  }
  // Sums of windows times weights, of each place.
  [[nodiscard]] std::vector<double> Outputs() {
    std::vector<double> sums(Stage().output.values.rows * Width(), 0.0);
    ForEachMeeting([&](std::size_t place, std::size_t row, std::size_t sample, std::size_t,
                       std::size_t number) {
      for (std::size_t o = 0; o < Width(); ++o)
        sums[place * Width() + o] +=
            Factor(Stage().input.values, sample, number) * Factor(Stage().weight.value, row, o);
    });
    return sums;
  }
  // `slope_at`(place, output): what the sums' gradient is there.
  void ExpectGradients(const std::function<double(std::size_t, std::size_t)>& slope_at) {
    const Tensor& weights = Stage().weight.value;
    const Tensor& pixels = Stage().input.gradient;
    std::vector<double> of_weights(weights.rows * Width(), 0.0);
    std::vector<double> of_pixels(pixels.rows * pixels.Stride(), 0.0);
    ForEachMeeting([&](std::size_t place, std::size_t row, std::size_t sample, std::size_t pixel,
                       std::size_t number) {
      for (std::size_t o = 0; o < Width(); ++o) {
        const double slope = slope_at(place, o);
        of_weights[row * Width() + o] += Factor(Stage().input.values, sample, number) * slope;
        of_pixels[pixel * pixels.Stride() + row % pixels.cols] += slope * Factor(weights, row, o);
      }
    });
    for (std::size_t i = 0; i < of_weights.size(); ++i)
      ExpectAt(Stage().weight.gradient, i / Width(), i % Width(), of_weights[i]);
    for (std::size_t i = 0; i < of_pixels.size(); ++i)
      ExpectAt(pixels, i / pixels.Stride(), i % pixels.Stride(), of_pixels[i]);
  }
  void Run(const std::vector<Operation>& operations, ThreadOrder order) {
    for (const Operation& operation : operations) {
      std::visit(
          [&](const auto& body) {
            if constexpr (requires { body.blocks; }) RunOnHost(body, kLanes, order);
          },
          operation);
    }
  }
  // `used`: samples of the batch.
  [[nodiscard]] ProgramBuilder Builder(std::size_t used = kSamples) {
    board_.steps[3].rows = static_cast<std::uint32_t>(used);
    places_.arena = memory_.Arena();
    places_.board = board_.View();
    return {model_, places_, precision_, true};
  }
  void AddNormalisation() {
    BatchNormStage norm;
    norm.input = norm.output = Stage().output;
    model_.stages.emplace_back(norm);
    FillMemory();
  }
  [[nodiscard]] double Moment(std::size_t tile, std::size_t which, std::size_t output) {
    const std::size_t row = (2 * tile + which) * Stage().pre.Stride();
    return static_cast<double>(
        *memory_.Arena().At(1, ScratchBehind(model_).column_parts + row + output));
  }

 private:
  void Begin(ProductPrecision precision) {
    precision_ = precision;
    model_ = ModelOf(GetParam(), is_pooled_, precision == ProductPrecision::kBfloat16);
    FillMemory();
  }
  void FillMemory() {
    memory_ = Memory(ScratchBehind(model_).end);
    // What no product may use is not a number, of whatever type: padding between pixels, results.
    std::ranges::fill(memory_.Lane(1), std::bit_cast<float>(0xFFFFFFFFU));
    FillImages();
    FillMatrix(Stage().weight.value, 2);
    FillMatrix(Stage().weight.rounded, 2);
    FillMatrix(is_pooled_ ? Stage().pool->output.gradient : Stage().output.gradient, 3);
    if (is_pooled_) FillMatrix(Stage().bias.value, 4);
  }
  void FillImages() {
    const ImageLayout& image = Stage().image;
    const std::vector<float> values = Normal(kSamples * image.size.Pixels() * image.channels, 1);
    std::size_t next = 0;
    for (std::size_t sample = 0; sample < kSamples; ++sample)
      for (std::size_t pixel = 0; pixel < image.size.Pixels(); ++pixel)
        for (std::size_t channel = 0; channel < image.channels; ++channel)
          NumbersOf(Stage().input.values)
              .Put(memory_.Arena(), 1,
                   sample * Stage().input.values.Stride() + pixel * image.pixel + channel,
                   values[next++]);
  }
  // Padding columns of weights and gradients are zero.
  void FillMatrix(const Tensor& tensor, unsigned seed) {
    const std::vector<float> values = Normal(tensor.rows * tensor.Stride(), seed);
    for (std::size_t i = 0; i < values.size(); ++i)
      NumbersOf(tensor).Put(memory_.Arena(), 1, i,
                            i % tensor.Stride() < tensor.cols ? values[i] : 0.0F);
  }

  bool is_pooled_;
  ProductPrecision precision_ = ProductPrecision::kFloat32;
  Model model_;
  Memory memory_ = Memory(0);
  Board board_;
  GpuPlaces places_;
};

TEST_P(GpuWindow, OutputsAreWindowsTimesWeights) {
  ForEachWay([&](ThreadOrder order) {
    ProgramBuilder builder = Builder();
    AddForward(builder, Stage());
    Run(builder.Finish(), order);
    const std::vector<double> expected = Outputs();
    for (std::size_t i = 0; i < expected.size(); ++i)
      ExpectAt(Stage().pre, i / Width(), i % Width(), expected[i]);
  });
}

TEST_P(GpuWindow, GradientsAreThoseOfWeightsAndPixels) {
  ForEachWay([&](ThreadOrder order) {
    ProgramBuilder builder = Builder();
    AddBackward(builder, Stage());
    Run(builder.Finish(), order);
    ExpectGradients([&](std::size_t place, std::size_t output) {
      return Factor(Stage().output.gradient, place, output);
    });
  });
}

// What a normalisation needs, of whole samples alone: the last one is not part of the batch.
TEST_P(GpuWindow, MomentsAreThoseOfTheColumnsOfEachTile) {
  constexpr std::size_t kUsed = kSamples - 1;
  ForEachWay([&](ThreadOrder order) {
    AddNormalisation();
    ProgramBuilder builder = Builder(kUsed);
    AddForward(builder, Stage());
    Run(builder.Finish(), order);
    const std::vector<double> outputs = Outputs();
    const std::size_t rows = kUsed * Stage().places.Pixels();
    for (std::size_t first = 0; first < rows; first += kTileSide) {
      const auto count = static_cast<double>(std::min<std::size_t>(kTileSide, rows - first));
      for (std::size_t o = 0; o < Width(); ++o) {
        double sum = 0.0;
        double squares = 0.0;
        for (std::size_t row = first; row < rows && row < first + kTileSide; ++row) {
          sum += outputs[row * Width() + o];
          squares += outputs[row * Width() + o] * outputs[row * Width() + o];
        }
        const double mean = sum / count;
        ASSERT_NEAR(Moment(first / kTileSide, 0, o), mean, 5e-5);
        ASSERT_NEAR(Moment(first / kTileSide, 1, o), squares - count * mean * mean,
                    1e-5 * (1.0 + squares));
      }
    }
  });
}

class GpuPooledWindow : public GpuWindow {
 protected:
  GpuPooledWindow() : GpuWindow(true) {}

  // Of a place that belongs to a square: the square's row among the maxima, and which of its four
  // places it is.
  struct Member {
    std::size_t square = 0;
    std::size_t pixel = 0;
  };
  [[nodiscard]] std::optional<Member> MemberOf(std::size_t place) const {
    const ImageSize& places = Stage().places;
    const std::size_t sample = place / places.Pixels();
    const std::size_t y = place % places.Pixels() / places.width;
    const std::size_t x = place % places.width;
    const ImageSize pooled = Pooled(places);
    if (y / 2 >= pooled.height || x / 2 >= pooled.width) return std::nullopt;
    return Member{(sample * pooled.height + y / 2) * pooled.width + x / 2, y % 2 * 2 + x % 2};
  }
  [[nodiscard]] std::size_t Heir(std::size_t square, std::size_t output) {
    const std::size_t bytes = ScratchBehind(Stages()).heirs.at(0).bytes;
    return HeirsAt(Arena(), 1, bytes)[square * Stage().pool->output.values.Stride() + output];
  }
};

TEST_P(GpuPooledWindow, OutputsAreMaximaAndTheirHeirs) {
  ForEachWay([&](ThreadOrder order) {
    ASSERT_TRUE(PoolsInProduct(Stage()));
    const Tensor& maxima = Stage().pool->output.values;
    ProgramBuilder builder = Builder();
    AddForward(builder, Stage());
    Run(builder.Finish(), order);
    const std::vector<double> sums = Outputs();
    std::vector<double> expected(maxima.rows * Width(), -2.0);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const std::optional<Member> member = MemberOf(i / Width());
      if (!member) continue;
      const double value = std::tanh(sums[i] + At(Stage().bias.value, 0, i % Width()));
      double& largest = expected[member->square * Width() + i % Width()];
      largest = std::max(largest, value);
      if (Heir(member->square, i % Width()) == member->pixel)
        ExpectAt(maxima, member->square, i % Width(), value);
    }
    for (std::size_t i = 0; i < expected.size(); ++i)
      ExpectAt(maxima, i / Width(), i % Width(), expected[i]);
  });
}

TEST_P(GpuPooledWindow, GradientsPassThroughHeirsAlone) {
  ForEachWay([&](ThreadOrder order) {
    const Tensor& maxima = Stage().pool->output.values;
    const Tensor& slopes = Stage().pool->output.gradient;
    std::vector<double> of_bias(Width(), 0.0);
    ProgramBuilder builder = Builder();
    AddForward(builder, Stage());
    Run(builder.Finish(), order);
    for (std::size_t i = 0; i < maxima.rows * Width(); ++i) {
      const double value = At(maxima, i / Width(), i % Width());
      of_bias[i % Width()] += At(slopes, i / Width(), i % Width()) * (1.0 - value * value);
    }
    ProgramBuilder back = Builder();
    AddBackward(back, Stage());
    Run(back.Finish(), order);
    for (std::size_t o = 0; o < Width(); ++o)
      ExpectAt(Stage().bias.gradient, 0, o, of_bias[o]);
    ExpectGradients([&](std::size_t place, std::size_t output) {
      const std::optional<Member> member = MemberOf(place);
      if (!member || Heir(member->square, output) != member->pixel) return 0.0;
      return Factor(slopes, member->square, output);
    });
  });
}

INSTANTIATE_TEST_SUITE_P(Cases, GpuPooledWindow, testing::ValuesIn(kPooledCases),
                         [](const auto& at) { return at.param.name; });

INSTANTIATE_TEST_SUITE_P(Cases, GpuWindow, testing::ValuesIn(kCases),
                         [](const auto& at) { return at.param.name; });

TEST(GpuDivisor, DividesAsTheProcessorDoes) {
  constexpr std::uint32_t kMost = 0x7FFFFFFFU;
  for (const std::uint32_t value : {1U, 2U, 3U, 5U, 7U, 14U, 28U, 64U, 641U, 65'535U, 65'536U,
                                    1'000'003U, 0x40000000U, 0x40000001U, kMost, 0x80000000U}) {
    const Divisor divisor(value);
    EXPECT_EQ(divisor.Value(), value);
    for (std::uint64_t multiple = 0; multiple <= kMost; multiple += value * (1ULL + 977 * 131)) {
      for (const std::uint64_t number : {multiple, multiple + value - 1, multiple + value}) {
        if (number > kMost) continue;
        const auto small = static_cast<std::uint32_t>(number);
        ASSERT_EQ(divisor.Of(small), small / value) << small << " / " << value;
      }
    }
    ASSERT_EQ(divisor.Of(kMost), kMost / value) << value;
  }
}

}  // namespace gpu_window_test
}  // namespace ddl
