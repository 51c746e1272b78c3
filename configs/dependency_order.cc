// SPDX-License-Identifier: Apache-2.0
#include "configs/dependency_order.h"

#include <algorithm>
#include <functional>
#include <queue>

namespace ddl {

namespace {

using Needs = std::vector<std::vector<std::size_t>>;

// Whoever is left over needs somebody who is left over too: following that leads into a cycle.
std::vector<std::size_t> FindCycle(const Needs& needs, const std::vector<std::size_t>& open) {
  const auto is_left = [&open](std::size_t i) { return open[i] > 0; };
  const auto begin = std::ranges::find_if(open, [](std::size_t count) { return count > 0; });
  std::vector<std::size_t> path;
  std::vector<bool> is_on_path(needs.size());
  auto at = static_cast<std::size_t>(begin - open.begin());
  while (!is_on_path[at]) {
    is_on_path[at] = true;
    path.push_back(at);
    at = *std::ranges::find_if(needs[at], is_left);
  }
  path.erase(path.begin(), std::ranges::find(path, at));
  return path;
}

}  // namespace

DependencyOrder OrderByNeeds(const Needs& needs) {
  std::vector<std::size_t> open(needs.size());
  Needs needed_by(needs.size());
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < needs.size(); ++i) {
    open[i] = needs[i].size();
    for (const std::size_t need : needs[i]) {
      needed_by[need].push_back(i);
    }
    if (needs[i].empty()) ready.push(i);
  }
  DependencyOrder result;
  while (!ready.empty()) {
    const std::size_t next = ready.top();
    ready.pop();
    result.order.push_back(next);
    for (const std::size_t waiting : needed_by[next]) {
      if (--open[waiting] == 0) ready.push(waiting);
    }
  }
  if (result.order.size() < needs.size()) result.cycle = FindCycle(needs, open);
  return result;
}

}  // namespace ddl
