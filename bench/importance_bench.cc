// SPDX-License-Identifier: Apache-2.0
// The importances of rows that are given as JSON on standard input, with the forest that they come
// from, as JSON: what bench/peers/fanova_reference.py holds against other implementations.
// Input: {"axes": [{"categories": K} or {"levels": L} or {}], "columns": [[…], …], "values": […],
// "trees": N, "seed": S}; ordered coordinates in [0, 1], categories 0, 1, …
#include <chrono>
#include <iostream>
#include <iterator>
#include <numeric>
#include <string>

#include <fmt/format.h>

#include "cli/knowledge/fanova.h"
#include "cli/knowledge/ped_anova.h"
#include "configs/json.h"

namespace {

ddl::Observations ReadObservations(const ddl::Json& given) {
  ddl::Observations observations;
  for (const ddl::Json& axis : given.at("axes")) {
    const auto categories = axis.value("categories", std::size_t{0});
    const double share = categories == 0 ? 0 : 1.0 / static_cast<double>(categories);
    observations.axes.push_back({.categories = std::vector<double>(categories, share),
                                 .levels = axis.value("levels", std::int64_t{0})});
  }
  for (const ddl::Json& column : given.at("columns"))
    observations.columns.push_back(column.get<std::vector<double>>());
  observations.values = given.at("values").get<std::vector<double>>();
  return observations;
}

ddl::Json SharesJson(const std::vector<ddl::VarianceShare>& shares) {
  ddl::Json list = ddl::Json::array();
  for (const ddl::VarianceShare& share : shares)
    list.push_back({{"axes", share.axes}, {"mean", share.mean}, {"deviation", share.deviation}});
  return list;
}

ddl::Json TreesJson(const ddl::Forest& forest) {
  ddl::Json trees = ddl::Json::array();
  for (const ddl::Tree& tree : forest.trees) {
    ddl::Json nodes = ddl::Json::array();
    for (const ddl::TreeNode& node : tree)
      nodes.push_back(
          {node.axis, node.threshold, node.left_categories, node.left, node.right, node.value});
    trees.push_back(std::move(nodes));
  }
  return trees;
}

}  // namespace

int main() {
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  const ddl::Json given = ddl::ParseJson(text, "standard input");
  const ddl::Observations observations = ReadObservations(given);
  std::vector<std::size_t> paired(observations.axes.size());
  std::iota(paired.begin(), paired.end(), std::size_t{0});
  const auto seed = given.value("seed", std::uint64_t{0});
  const auto start = std::chrono::steady_clock::now();
  const ddl::Forest forest = ddl::GrowForest(observations, given.value("trees", 64), seed);
  const ddl::VarianceShares shares = ddl::Fanova(forest, observations.axes, paired);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  ddl::Json top = ddl::Json::array();
  for (const ddl::TopShare& share : ddl::PedAnovaWithSpread(observations, 0.1, 99, seed).axes)
    top.push_back({{"share", share.share}, {"deviation", share.deviation}});
  fmt::print("{}\n", ddl::DumpJson({{"explained", forest.explained},
                                    {"single", SharesJson(shares.single)},
                                    {"pairs", SharesJson(shares.pairs)},
                                    {"ped_anova", std::move(top)},
                                    {"fanova_ms", took.count()},
                                    {"trees", TreesJson(forest)}}));
  return 0;
}
