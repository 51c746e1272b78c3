// SPDX-License-Identifier: Apache-2.0
#include "configs/expression_reader.h"

#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configs/expression.h"
#include "configs/nearest.h"

namespace ddl {

std::string ReadExpression(const SpecNode& node, std::string_view of, SpecErrors& errors) {
  if (node.kind != SpecNode::Kind::kScalar || node.text.empty()) {
    errors.Add(node, fmt::format("{} must be an expression", of),
               "write a text, and put it in quotes where it begins with [, {, a quote or a sign");
    return {};
  }
  try {
    (void)Expression(node.text);
    return node.text;
  } catch (const ExpressionFault& fault) {
    errors.AddWithin(node, fault.at, fmt::format("{}: {}", of, fault.what), fault.hint);
    return {};
  }
}

ParameterNames NamesOf(const Space& space) {
  ParameterNames names;
  for (std::size_t i = 0; i < space.size(); ++i) {
    names.emplace(space[i].Name(), i);
  }
  return names;
}

std::string MeantName(std::string_view name, const ParameterNames& names) {
  constexpr std::size_t kFew = 12;
  std::vector<std::string_view> known;
  for (const auto& [each, index] : names) {
    // Within a group, its last part is what people write.
    const bool is_last_part = each.size() > name.size() && each.ends_with(name) &&
                              each[each.size() - name.size() - 1] == '.';
    if (is_last_part) return fmt::format("did you mean {}?", each);
    known.push_back(each);
  }
  const std::string nearest = NearestName(name, known);
  if (!nearest.empty()) return fmt::format("did you mean {}?", nearest);
  if (known.size() > kFew) return "name a parameter; texts stand in quotes";
  return fmt::format("parameters are: {}; texts stand in quotes", fmt::join(known, " "));
}

void CheckNames(const SpecNode& node, const std::string& expression, std::string_view of,
                const ParameterNames& names, SpecErrors& errors) {
  if (expression.empty()) return;  // refused already
  const Expression read(expression);
  for (std::size_t i = 0; i < read.Names().size(); ++i) {
    const std::string& name = read.Names()[i];
    if (names.contains(name)) continue;
    errors.AddWithin(node, read.Places()[i], fmt::format("{}: there is no parameter {}", of, name),
                     MeantName(name, names));
  }
}

}  // namespace ddl
