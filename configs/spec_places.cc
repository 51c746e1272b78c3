// SPDX-License-Identifier: Apache-2.0
#include "configs/spec_places.h"

#include "configs/error.h"
#include "configs/spec_errors.h"
#include "configs/spec_node.h"
#include "configs/spec_overrides.h"

namespace ddl {

void SpecPlaces::Throw(const std::vector<std::string_view>& key, std::size_t item,
                       std::string_view what, std::string_view hint) const {
  if (text.empty()) throw Error(what, file_name, hint);
  SpecErrors errors(file_name, text);
  SpecNode root = ParseSpecText(text);  // as it was read before
  for (const std::string& override_text : overrides) {
    ApplyOverride(override_text, root, errors);
  }
  const SpecNode* node = &root;
  for (const std::string_view part : key) {
    node = node == nullptr ? nullptr : node->Find(part);
  }
  if (node == nullptr) throw Error(what, file_name, hint);
  const bool has_item = node->kind == SpecNode::Kind::kList && item < node->items.size();
  errors.Add(has_item ? node->items[item] : *node, what, hint);
  errors.ThrowIfAny();
  throw Error(what, file_name, hint);
}

}  // namespace ddl
