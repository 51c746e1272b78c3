// SPDX-License-Identifier: Apache-2.0
#include "cli/knowledge/fanova.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

namespace ddl {

namespace {

double MeasureOf(const Axis& axis, std::uint64_t categories) {
  double measure = 0;
  for (; categories != 0; categories &= categories - 1) {
    measure += axis.categories[static_cast<std::size_t>(std::countr_zero(categories))];
  }
  return measure;
}

// What a box spans along an axis: low … high, or some categories.
struct Span {
  double low = 0;
  double high = 1;
  std::uint64_t categories = 0;
};

double MeasureOf(const Axis& axis, const Span& span) {
  return axis.categories.empty() ? (span.high - span.low) / (1 - axis.low)
                                 : MeasureOf(axis, span.categories);
}

// The leaves of a tree as boxes of the space; axis by axis, since that is how they are compared.
struct Boxes {
  std::vector<std::vector<Span>> spans;       // by axis, then leaf
  std::vector<std::vector<double>> inverses;  // 1 / measure
  std::vector<double> moments;                // (value - mean) · measure of the box
  double variance = 0;
};

void SplitSpan(const Axis& axis, const TreeNode& node, Span& left, Span& right) {
  if (axis.categories.empty()) {
    left.high = node.threshold;
    right.low = node.threshold;
  } else {
    left.categories &= node.left_categories;
    right.categories &= ~node.left_categories;
  }
}

std::vector<Span> WholeSpace(const std::vector<Axis>& axes) {
  std::vector<Span> whole;
  for (const Axis& axis : axes) {
    const std::size_t count = axis.categories.size();
    whole.push_back({axis.low, 1, count == 0 ? 0 : ~std::uint64_t{0} >> (kMostCategories - count)});
  }
  return whole;
}

void AddLeaf(const std::vector<Axis>& axes, const std::vector<Span>& box, double value,
             Boxes& boxes, std::vector<double>& values) {
  double measure = 1;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    const double along = MeasureOf(axes[a], box[a]);
    measure *= along;
    boxes.spans[a].push_back(box[a]);
    boxes.inverses[a].push_back(along > 0 ? 1 / along : 0);
  }
  values.push_back(value);
  boxes.moments.push_back(measure);
}

Boxes BoxesOf(const Tree& tree, const std::vector<Axis>& axes) {
  Boxes boxes;
  boxes.spans.resize(axes.size());
  boxes.inverses.resize(axes.size());
  std::vector<double> values;
  std::vector<std::vector<Span>> at(tree.size());
  at[0] = WholeSpace(axes);
  for (std::size_t i = 0; i < tree.size(); ++i) {
    const TreeNode& node = tree[i];
    if (node.axis < 0) {
      AddLeaf(axes, at[i], node.value, boxes, values);
    } else {
      const auto axis = static_cast<std::size_t>(node.axis);
      std::vector<Span>& left = at[static_cast<std::size_t>(node.left)] = at[i];
      std::vector<Span>& right = at[static_cast<std::size_t>(node.right)] = at[i];
      SplitSpan(axes[axis], node, left[axis], right[axis]);
    }
    at[i].clear();
  }
  double mean = 0;
  for (std::size_t leaf = 0; leaf < values.size(); ++leaf) {
    mean += values[leaf] * boxes.moments[leaf];
  }
  for (std::size_t leaf = 0; leaf < values.size(); ++leaf) {
    const double above = values[leaf] - mean;
    boxes.variance += above * above * boxes.moments[leaf];
    boxes.moments[leaf] *= above;
  }
  return boxes;
}

// Of the marginal over one axis, whose mean is 0: cell by cell between the places where any box
// begins or ends.
double VarianceAlong(const Boxes& boxes, const Axis& axis, std::size_t a) {
  double variance = 0;
  if (!axis.categories.empty()) {
    for (std::size_t category = 0; category < axis.categories.size(); ++category) {
      double marginal = 0;
      for (std::size_t leaf = 0; leaf < boxes.moments.size(); ++leaf) {
        const std::uint64_t categories = boxes.spans[a][leaf].categories;
        if (((categories >> category) & 1U) == 0) continue;
        marginal += boxes.moments[leaf] * boxes.inverses[a][leaf];
      }
      variance += axis.categories[category] * marginal * marginal;
    }
    return variance;
  }
  std::vector<std::pair<double, double>> steps;  // where the marginal rises, and by how much
  for (std::size_t leaf = 0; leaf < boxes.moments.size(); ++leaf) {
    const double height = boxes.moments[leaf] * boxes.inverses[a][leaf];
    steps.emplace_back(boxes.spans[a][leaf].low, height);
    steps.emplace_back(boxes.spans[a][leaf].high, -height);
  }
  std::ranges::sort(steps);
  double marginal = 0;
  for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
    marginal += steps[i].second;
    variance += (steps[i + 1].first - steps[i].first) / (1 - axis.low) * marginal * marginal;
  }
  return variance;
}

// For each leaf from `leaf` on: the measure that both share along the axis over the product of
// theirs.
void FillOverlaps(const Boxes& boxes, const std::vector<Axis>& axes, std::size_t axis,
                  std::size_t leaf, std::vector<double>& overlaps) {
  const std::vector<Span>& spans = boxes.spans[axis];
  const std::vector<double>& inverses = boxes.inverses[axis];
  const Span& own = spans[leaf];
  if (axes[axis].categories.empty()) {
    const double scale = inverses[leaf] / (1 - axes[axis].low);
    for (std::size_t other = leaf; other < spans.size(); ++other) {
      const double shared =
          std::min(own.high, spans[other].high) - std::max(own.low, spans[other].low);
      overlaps[other] = shared > 0 ? shared * scale * inverses[other] : 0;
    }
    return;
  }
  for (std::size_t other = leaf; other < spans.size(); ++other) {
    const double shared = MeasureOf(axes[axis], own.categories & spans[other].categories);
    overlaps[other] = shared * inverses[leaf] * inverses[other];
  }
}

// The sum of products from `begin` on, in four lanes: adding in turn would wait for each sum.
double SumOfProducts(const std::vector<double>& first, const std::vector<double>& second,
                     std::size_t begin) {
  std::array<double, 4> lanes{};
  std::size_t i = begin;
  for (; i + lanes.size() <= first.size(); i += lanes.size()) {
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      lanes[lane] += first[i + lane] * second[i + lane];
    }
  }
  for (; i < first.size(); ++i) {
    lanes[0] += first[i] * second[i];
  }
  return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

// The variance of the marginal over two axes, whose mean is 0, is the sum over pairs of leaves of
// their moments times, for each of both, their overlap.
class PairVariances {
 public:
  PairVariances(const std::vector<Axis>& axes, const std::vector<std::size_t>& paired)
      : axes_(axes), paired_(paired) {}

  // Of each pair: the joint marginal of both.
  [[nodiscard]] std::vector<double> Of(const Boxes& boxes) {
    const std::size_t leaves = boxes.moments.size();
    moments_ = boxes.moments;
    weighted_.resize(leaves);
    overlaps_.assign(paired_.size(), std::vector<double>(leaves));
    std::vector<double> variances(paired_.size() * paired_.size());  // the upper half is used
    for (std::size_t leaf = 0; leaf < leaves; ++leaf) {
      // A pair of leaves counts twice, a leaf with itself once.
      moments_[leaf] /= 2;
      for (std::size_t i = 0; i < paired_.size(); ++i) {
        FillOverlaps(boxes, axes_, paired_[i], leaf, overlaps_[i]);
      }
      AddPairsWith(leaf, 2 * boxes.moments[leaf], variances);
    }
    return variances;
  }

 private:
  void AddPairsWith(std::size_t leaf, double moment, std::vector<double>& variances) {
    for (std::size_t i = 0; i < paired_.size(); ++i) {
      for (std::size_t other = leaf; other < weighted_.size(); ++other) {
        weighted_[other] = moments_[other] * overlaps_[i][other];
      }
      for (std::size_t j = i + 1; j < paired_.size(); ++j) {
        variances[i * paired_.size() + j] += moment * SumOfProducts(weighted_, overlaps_[j], leaf);
      }
    }
  }

  const std::vector<Axis>& axes_;
  const std::vector<std::size_t>& paired_;
  std::vector<double> moments_;
  std::vector<double> weighted_;
  std::vector<std::vector<double>> overlaps_;  // by place in `paired`, then leaf
};

VarianceShare Over(const std::vector<double>& shares, std::vector<std::size_t> axes) {
  VarianceShare share{.axes = std::move(axes)};
  if (shares.empty()) return share;
  const auto count = static_cast<double>(shares.size());
  for (const double one : shares) {
    share.mean += one / count;
  }
  for (const double one : shares) {
    share.deviation += (one - share.mean) * (one - share.mean) / count;
  }
  share.deviation = std::sqrt(share.deviation);
  return share;
}

}  // namespace

VarianceShares Fanova(const Forest& forest, const std::vector<Axis>& axes,
                      const std::vector<std::size_t>& paired) {
  PairVariances pair_variances(axes, paired);
  const std::size_t count = paired.size();
  std::vector<std::vector<double>> single(axes.size());    // by axis, then tree
  std::vector<std::vector<double>> beyond(count * count);  // by pair, then tree
  for (const Tree& tree : forest.trees) {
    const Boxes boxes = BoxesOf(tree, axes);
    if (!(boxes.variance > 0)) continue;
    for (std::size_t a = 0; a < axes.size(); ++a) {
      single[a].push_back(VarianceAlong(boxes, axes[a], a) / boxes.variance);
    }
    const std::vector<double> joint = pair_variances.Of(boxes);
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t j = i + 1; j < count; ++j) {
        const double both = joint[i * count + j] / boxes.variance;
        const double alone = single[paired[i]].back() + single[paired[j]].back();
        beyond[i * count + j].push_back(std::max(both - alone, 0.0));
      }
    }
  }
  VarianceShares result;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    result.single.push_back(Over(single[a], {a}));
  }
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = i + 1; j < count; ++j) {
      result.pairs.push_back(Over(beyond[i * count + j], {paired[i], paired[j]}));
    }
  }
  return result;
}

}  // namespace ddl
