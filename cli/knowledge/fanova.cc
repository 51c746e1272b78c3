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

// The variance of the marginal over the axes U, whose mean is 0, is the sum over pairs of leaves of
// their moments times, for each axis in U, their overlap.
class MarginalVariances {
 public:
  MarginalVariances(const std::vector<Axis>& axes, const std::vector<std::size_t>& paired)
      : axes_(axes), paired_(paired) {}

  // Of the single axes, then of the pairs: the joint marginal of both.
  [[nodiscard]] std::vector<double> Of(const Boxes& boxes) {
    const std::size_t leaves = boxes.moments.size();
    moments_ = boxes.moments;
    overlaps_.assign(axes_.size(), std::vector<double>(leaves));
    std::vector<double> variances;
    for (std::size_t leaf = 0; leaf < leaves; ++leaf) {
      // A pair of leaves counts twice, a leaf with itself once.
      moments_[leaf] /= 2;
      std::size_t next = 0;
      const auto add = [&](double sum) {
        if (variances.size() == next) variances.push_back(0);
        variances[next++] += 2 * boxes.moments[leaf] * sum;
      };
      for (std::size_t a = 0; a < axes_.size(); ++a) {
        FillOverlaps(boxes, axes_, a, leaf, overlaps_[a]);
        add(SumOfProducts(moments_, overlaps_[a], leaf));
      }
      AddPairs(leaf, add);
    }
    return variances;
  }

 private:
  template <class Add>
  void AddPairs(std::size_t leaf, const Add& add) {
    weighted_.resize(moments_.size());
    for (std::size_t i = 0; i < paired_.size(); ++i) {
      const std::vector<double>& own = overlaps_[paired_[i]];
      for (std::size_t other = leaf; other < own.size(); ++other) {
        weighted_[other] = moments_[other] * own[other];
      }
      for (std::size_t j = i + 1; j < paired_.size(); ++j) {
        add(SumOfProducts(weighted_, overlaps_[paired_[j]], leaf));
      }
    }
  }

  const std::vector<Axis>& axes_;
  const std::vector<std::size_t>& paired_;
  std::vector<double> moments_;
  std::vector<double> weighted_;
  std::vector<std::vector<double>> overlaps_;  // by axis, then leaf
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
  MarginalVariances marginals(axes, paired);
  const std::size_t count = paired.size();
  const std::size_t terms = axes.size() + (count < 2 ? 0 : count * (count - 1) / 2);
  std::vector<std::vector<double>> shares(terms);  // by term, then tree
  for (const Tree& tree : forest.trees) {
    const Boxes boxes = BoxesOf(tree, axes);
    if (!(boxes.variance > 0)) continue;
    const std::vector<double> variances = marginals.Of(boxes);
    for (std::size_t a = 0; a < axes.size(); ++a) {
      shares[a].push_back(std::max(variances[a], 0.0) / boxes.variance);
    }
    std::size_t next = axes.size();
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t j = i + 1; j < count; ++j) {
        const double beyond = variances[next] - variances[paired[i]] - variances[paired[j]];
        shares[next++].push_back(std::max(beyond, 0.0) / boxes.variance);
      }
    }
  }
  VarianceShares result;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    result.single.push_back(Over(shares[a], {a}));
  }
  std::size_t next = axes.size();
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = i + 1; j < count; ++j) {
      result.pairs.push_back(Over(shares[next++], {paired[i], paired[j]}));
    }
  }
  return result;
}

}  // namespace ddl
