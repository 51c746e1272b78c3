// SPDX-License-Identifier: Apache-2.0
#include "configs/zip_reader.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configs/expression_reader.h"

namespace ddl {

namespace {

class ZipReader {
 public:
  ZipReader(Space& space, SpecErrors& errors)
      : space_(space), errors_(errors), names_(NamesOf(space)) {}

  void Read(const SpecNode& node) {
    const bool is_list_of_lists =
        node.kind == SpecNode::Kind::kList &&
        std::ranges::all_of(node.items, [](const SpecNode& item) {
          return item.kind == SpecNode::Kind::kList && item.items.size() > 1;
        });
    if (!is_list_of_lists || node.items.empty()) {
      return errors_.Add(node, "zip must be a list of lists of two names or more",
                         "write zip: [[lr, batch_size]]");
    }
    for (const SpecNode& group : node.items) {
      ReadGroup(group);
    }
  }

 private:
  void ReadGroup(const SpecNode& group) {
    std::vector<std::size_t> members;
    for (const SpecNode& item : group.items) {
      if (const auto member = Member(item)) members.push_back(*member);
    }
    if (members.size() < group.items.size()) return;
    const std::size_t first = *std::ranges::min_element(members);
    for (std::size_t i = 0; i < members.size(); ++i) {
      CheckPair(group.items[i], space_[first], space_[members[i]]);
      if (members[i] != first) space_[members[i]].zipped_to = first;
    }
  }

  std::optional<std::size_t> Member(const SpecNode& item) {
    const auto found = item.kind == SpecNode::Kind::kScalar ? names_.find(item.text) : names_.end();
    if (found == names_.end()) {
      errors_.Add(item, fmt::format("zip: there is no parameter {}", item.text),
                  MeantName(item.text, names_));
      return std::nullopt;
    }
    const Parameter& p = space_[found->second];
    if (!taken_.insert(found->second).second) {
      errors_.Add(item, fmt::format("zip: {} stands here twice", item.text), "keep one of them");
    } else if (p.distribution != Distribution::kCategorical) {
      errors_.Add(item, fmt::format("zip: {} has no list of values", item.text),
                  "write its values: as many as the others have");
    } else if (!p.probabilities.empty()) {
      errors_.Add(item, fmt::format("zip: {} has probabilities", item.text),
                  "leave them away: lists that run together are drawn evenly");
    } else {
      return found->second;
    }
    return std::nullopt;
  }

  void CheckPair(const SpecNode& item, const Parameter& first, const Parameter& other) {
    if (first.values.size() != other.values.size()) {
      errors_.Add(item,
                  fmt::format("zip: {} has {} values, {} has {}", other.Name(), other.values.size(),
                              first.Name(), first.values.size()),
                  "lists that run together are equally long");
    }
    if (first.when != other.when) {
      errors_.Add(item, fmt::format("zip: {} and {} differ in when", first.Name(), other.Name()),
                  "give both the same condition, or put them in one group that has it");
    }
  }

  Space& space_;
  SpecErrors& errors_;
  ParameterNames names_;
  std::set<std::size_t> taken_;
};

}  // namespace

void ReadZip(const SpecNode& node, Space& space, SpecErrors& errors) {
  ZipReader(space, errors).Read(node);
}

void CollapseRepeatedValues(Space& space, std::vector<std::string>& notes) {
  std::map<std::size_t, std::vector<std::size_t>> lists;  // by the first of them
  for (std::size_t i = 0; i < space.size(); ++i) {
    if (space[i].distribution != Distribution::kCategorical) continue;
    lists[space[i].zipped_to.value_or(i)].push_back(i);
  }
  for (const auto& [first, members] : lists) {
    std::set<std::string> seen;
    std::vector<std::size_t> kept;
    for (std::size_t place = 0; place < space[first].values.size(); ++place) {
      std::string row;
      for (const std::size_t member : members) {
        row += DumpJson(space[member].values[place]) + "\n";
      }
      if (seen.insert(row).second) kept.push_back(place);
    }
    if (kept.size() == space[first].values.size()) continue;
    notes.push_back(fmt::format("{}: {} of its {} values stand there before, and count once",
                                space[first].Name(), space[first].values.size() - kept.size(),
                                space[first].values.size()));
    for (const std::size_t member : members) {
      Parameter& p = space[member];
      std::vector<Json> values;
      for (const std::size_t place : kept) {
        values.push_back(p.values[place]);
      }
      p.values = std::move(values);
      p.probabilities.clear();  // a grid has no use for them
    }
  }
}

}  // namespace ddl
