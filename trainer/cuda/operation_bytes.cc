// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/operation_bytes.h"

#include <variant>

namespace ddl {

namespace {

double BytesOf(std::size_t numbers, bool is_bfloat16 = false) {
  return static_cast<double>(numbers) * (is_bfloat16 ? 2.0 : 4.0);
}
double BytesOf(std::size_t numbers, const LaneNumbers& stored) {
  return stored.offset == kNoTensor ? 0.0 : BytesOf(numbers, stored.is_bfloat16);
}
template <class... Stored>
double BytesOfAll(std::size_t numbers, const Stored&... stored) {
  return (BytesOf(numbers, stored) + ...);
}

std::size_t Product(std::size_t rows, std::size_t cols) {
  return rows * cols;
}

// Of a weight and what is kept beside it: read, and written as it moves.
double MovedBytes(const UpdatePart& part, std::size_t floats) {
  double bytes = 0.0;
  for (const std::size_t kept : {part.value, part.first, part.second, part.average}) {
    if (kept != kNoTensor) bytes += 2.0 * BytesOf(floats);
  }
  return bytes;
}

// function(part), summed over those of an operation.
template <class Body, class Function>
double SumOfParts(const Body& at, Function function) {
  double bytes = 0.0;
  for (std::uint32_t i = 0; i < at.blocks; ++i) {
    bytes += function(at.parts[i]);
  }
  return bytes;
}
template <class Body>
double PassesOverParts(const Body& at, double passes) {
  return SumOfParts(at, [passes](const UpdatePart& part) { return passes * BytesOf(part.floats); });
}

// What a product in tiles does with its sums.
double ResultBytes(const TileProduct& product, std::size_t rows) {
  const std::size_t numbers = Product(rows, product.cols);
  if (product.moved.value != kNoTensor) return MovedBytes(product.moved, numbers);
  double bytes = product.slices.count * BytesOf(numbers, product.out.is_bfloat16);
  const bool keeps_pre =
      product.active.bias != kNoTensor && product.active.pre != product.out.offset;
  if (keeps_pre) bytes *= 2.0;
  double passes = 1.0;
  if (product.added != kNoTensor) passes += 1.0;
  if (product.rectified != kNoTensor) passes += 1.0;
  return passes * bytes;
}

// Counts one operation after the other of a model's step.
class Counter {
 public:
  explicit Counter(const Model& model) : features_(model.shape.features) {}

  double operator()(const LaneProduct& at) const {
    return BytesOf(Product(at.rows, at.inner), at.a.is_bfloat16) +
           BytesOf(Product(at.inner, at.cols), at.b.is_bfloat16) +
           BytesOf(Product(at.rows, at.cols), at.out.is_bfloat16);
  }
  template <class Stored>
  double operator()(const GatherBody<Stored>& at) const {
    return static_cast<double>(Product(at.rows, features_) * sizeof(Stored)) +
           BytesOf(Product(at.rows, at.stride), at.out);
  }
  double operator()(const BiasActivateBody& at) const {
    const bool keeps_pre = at.pre != at.out && at.bias != kNoTensor;
    const std::size_t numbers = Product(at.rows, at.stride);
    return BytesOfAll(numbers, at.pre, at.out) + (keeps_pre ? BytesOf(numbers, at.pre) : 0.0);
  }
  double operator()(const ActivationGradientBody& at) const {
    const std::size_t numbers = Product(at.rows, at.stride);
    const bool has_slope = at.activation != Activation::kIdentity;
    const LaneNumbers& known = at.activation == Activation::kGelu ? at.pre : at.out;
    double bytes = BytesOf(numbers, at.gradient);
    if (has_slope) bytes += BytesOf(numbers, known);
    if (at.copy != kNoTensor) return bytes + BytesOf(numbers, true);
    return has_slope ? bytes + BytesOf(numbers, at.gradient) : bytes;
  }
  double operator()(const DropoutBody& at) const {
    return BytesOfAll(Product(at.rows, at.stride), at.input, at.output);
  }
  double operator()(const SoftmaxLossBody& at) const {
    return 2.0 * BytesOf(Product(at.rows, at.stride));
  }
  double operator()(const RegressionLossBody& at) const {
    return 2.0 * BytesOf(Product(at.rows, at.stride));
  }
  double operator()(const UpdateBody& at) const {
    return SumOfParts(at, [](const UpdatePart& part) {
      return BytesOf(part.floats) + MovedBytes(part, part.floats);
    });
  }
  double operator()(const SquaresBody& at) const { return PassesOverParts(at, 1.0); }
  double operator()(const SumSlicesBody& at) const {
    return at.slices * BytesOf(at.stride) + BytesOf(at.stride, at.out);
  }
  double operator()(const PoolBody& at) const {
    const std::size_t heirs = at.heirs == kNoTensor ? 0 : Product(at.windows, at.at.out_stride);
    return BytesOf(ImageNumbers(at.at, at.windows), at.images) +
           BytesOf(Product(at.windows, at.at.out_stride), at.out) + static_cast<double>(heirs);
  }
  double operator()(const UnpoolBody& at) const {
    const std::size_t outputs = Product(at.windows, at.at.out_stride);
    const std::size_t images = ImageNumbers(at.at, at.windows);
    const double both = BytesOf(outputs, at.out_gradient) + BytesOf(images, at.gradient);
    if (at.kind != PoolKind::kMaximum) return both;
    if (at.heirs != kNoTensor) return both + static_cast<double>(outputs);
    return both + BytesOf(outputs, at.out) + BytesOf(images, at.images);
  }
  double operator()(const JoinBody& at) const { return BytesOfAll(at.numbers, at.a, at.b, at.out); }
  double operator()(const FlattenBody& at) const {
    return BytesOfAll(Product(at.samples, Product(at.places, at.width)), at.images, at.rows);
  }
  double operator()(const BatchNormBody& at) const {
    return BytesOfAll(Numbers(at.shape), at.x, at.other, at.y);
  }
  double operator()(const BatchNormSumsBody& at) const {
    return BytesOfAll(Numbers(at.shape), at.norm.x, at.norm.gradient);
  }
  double operator()(const BatchNormGradientBody& at) const {
    return BytesOfAll(Numbers(at.shape), at.norm.x, at.norm.gradient, at.out);
  }
  double operator()(const EmbedBody& at) const {
    return BytesOf(Product(at.at.samples, Product(at.at.length, at.at.stride)), at.out);
  }
  double operator()(const TableGradientBody& at) const { return VectorBytes(at.at); }
  double operator()(const PositionGradientBody& at) const { return VectorBytes(at.at); }
  double operator()(const LayerNormBody& at) const {
    return BytesOfAll(Product(at.rows, at.stride), at.x, at.y);
  }
  double operator()(const LayerNormGradientBody& at) const {
    return BytesOfAll(Product(at.rows, at.stride), at.x, at.gradient, at.skipped, at.out);
  }
  double operator()(const LayerNormSumsBody& at) const {
    return BytesOfAll(Product(at.rows, at.stride), at.x, at.gradient);
  }
  double operator()(const CausalSoftmaxBody& at) const { return 2.0 * SquareBytes(at.places); }
  double operator()(const CausalSoftmaxGradientBody& at) const {
    return 3.0 * SquareBytes(at.places);
  }
  double operator()(const RoundingBody& at) const {
    return BytesOf(at.floats) + BytesOf(at.floats, true);
  }
  double operator()(const RoundPartsBody& at) const {
    return SumOfParts(at, [](const UpdatePart& part) {
      return part.rounded == kNoTensor ? 0.0 : BytesOf(part.floats) + BytesOf(part.floats, true);
    });
  }
  double operator()(const MomentumBody& at) const { return PassesOverParts(at, 4.0); }
  double operator()(const CombineBody& at) const {
    return (at.b == kNoTensor ? 2.0 : 3.0) * BytesOf(at.floats);
  }
  double operator()(const OrthogonalMoveBody& at) const { return PassesOverParts(at, 3.0); }
  template <ProductPrecision kPrecision>
  double operator()(const TileBody<kPrecision>& at) const {
    const double each = BytesOf(Product(at.rows, at.inner), at.a.is_bfloat16) +
                        BytesOf(Product(at.inner, at.cols), at.b.is_bfloat16) +
                        ResultBytes(at, at.rows);
    return at.members * each;
  }
  template <ProductPrecision kPrecision, WindowProduct kProduct, class Tile>
  double operator()(const WindowBody<kPrecision, kProduct, Tile>& at) const {
    const TileWindows<kProduct>& windows = at.factors;
    const WindowReader& images = windows.images;
    const std::size_t places = Product(images.across.Value(), images.down.Value())
                               << (2 * images.square);
    const bool is_pooled = windows.pooled.are_pooled;
    const bool has_heirs = windows.pooled.heirs != kNoTensor;
    if constexpr (kProduct == WindowProduct::kForward) {
      const std::size_t rows = is_pooled ? at.rows / 4 : at.rows;
      return BytesOf(at.rows / places * images.sample, at.a.is_bfloat16) +
             BytesOf(Product(at.inner, at.cols), at.b.is_bfloat16) + ResultBytes(at, rows) +
             HeirBytes(has_heirs, Product(rows, at.cols));
    } else if constexpr (kProduct == WindowProduct::kWeightGradient) {
      const std::size_t rows = is_pooled ? at.inner / 4 : at.inner;
      return BytesOf(at.inner / places * images.sample, at.a.is_bfloat16) +
             BytesOf(Product(rows, at.cols), at.b.is_bfloat16) + ResultBytes(at, at.rows) +
             HeirBytes(has_heirs, Product(rows, at.cols));
    } else {
      const std::size_t samples = at.rows / places;
      const std::size_t gradients = samples * images.sample;
      return BytesOf(gradients, at.a.is_bfloat16) + HeirBytes(has_heirs, gradients) +
             BytesOf(Product(at.inner, at.b.stride), at.b.is_bfloat16) +
             ResultBytes(at, samples * Product(windows.height, windows.width));
    }
  }
  template <ProductPrecision kPrecision>
  double operator()(const FusedAttentionBody<kPrecision>& at) const {
    return HeadBytes(at, at.queries, at.keys, at.values, at.out);
  }
  template <ProductPrecision kPrecision>
  double operator()(const FusedQueryGradientBody<kPrecision>& at) const {
    return HeadBytes(at, at.queries, at.keys, at.values, at.out, at.gradient, at.to);
  }
  template <ProductPrecision kPrecision>
  double operator()(const FusedKeyGradientBody<kPrecision>& at) const {
    return HeadBytes(at, at.queries, at.keys, at.values, at.gradient, at.to_keys, at.to_values);
  }
  double operator()(const DropSquaresBody& at) const { return 2.0 * SquareBytes(at.places); }
  // Tables, statistics and scores.
  double operator()(const TokensBody& /*at*/) const { return 0.0; }
  double operator()(const SumScoresBody& /*at*/) const { return 0.0; }
  double operator()(const KeepLogitsBody& /*at*/) const { return 0.0; }
  double operator()(const AdvanceBody& /*at*/) const { return 0.0; }
  double operator()(const BatchStatisticsBody& /*at*/) const { return 0.0; }
  double operator()(const ClipBody& /*at*/) const { return 0.0; }
  double operator()(const InverseNormBody& /*at*/) const { return 0.0; }

 private:
  static std::size_t Numbers(const NormRows& shape) { return Product(shape.rows, shape.stride); }
  static std::size_t ImageNumbers(const PoolPlacesOfLane& at, std::size_t windows) {
    return windows / Product(at.out_height, at.out_width) * at.sample;
  }
  static double HeirBytes(bool has_heirs, std::size_t numbers) {
    return has_heirs ? static_cast<double>(numbers) : 0.0;
  }
  static double SquareBytes(const HeadPlaces& places) {
    return BytesOf(Product(places.Count(), Product(places.length, places.square)));
  }
  static double VectorBytes(const TokenPlaces& at) {
    return BytesOf(Product(at.samples, Product(at.length, at.stride)));
  }
  template <class... Rows>
  static double HeadBytes(const FusedAttention& at, const Rows&... rows) {
    const HeadPlaces& places = at.places;
    return BytesOfAll(Product(places.Count(), Product(places.length, places.depth)),
                      rows.numbers...);
  }

  std::size_t features_;
};

}  // namespace

StepBytes CountStepBytes(const Model& model, ProductPrecision precision) {
  GpuPlaces places;
  places.data = StoredRows<std::uint8_t>{};
  places.is_text = model.targets > 1;
  float clip = 0.0F;
  if (model.shape.is_clipped) places.clips = &clip;
  const std::vector<UpdatePart> parts = UpdateParts(model);
  places.parts = parts.data();
  const Counter counter(model);
  StepBytes step;
  for (const Operation& operation : TrainingOperations(model, places, precision)) {
    step.bytes += std::visit(counter, operation);
    ++step.operations;
  }
  return step;
}

}  // namespace ddl
