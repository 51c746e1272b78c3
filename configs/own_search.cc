// SPDX-License-Identifier: Apache-2.0
#include "configs/own_search.h"

#include <algorithm>
#include <cmath>

#include "configs/error.h"
#include "configs/spec_keys.h"

namespace ddl {

namespace {

constexpr const char* kExample = "write search: {command: [python3, my_search.py]}";

std::vector<std::string> ReadSearchCommand(const SpecNode& node, SpecErrors& errors) {
  std::vector<std::string> command;
  const auto is_word = [](const SpecNode& item) { return item.kind == SpecNode::Kind::kScalar; };
  if (node.kind != SpecNode::Kind::kList || node.items.empty() ||
      !std::ranges::all_of(node.items, is_word) || node.items.front().text.empty()) {
    errors.Add(node, "the command of search must be a list of words", kExample);
    return command;
  }
  for (const SpecNode& item : node.items) {
    command.push_back(item.text);
  }
  return command;
}

}  // namespace

OwnSearch ReadOwnSearch(const SpecNode& node, SpecErrors& errors) {
  OwnSearch search;
  ReadKeys(node, "search",
           {{"command", [&](const SpecNode& n) { search.command = ReadSearchCommand(n, errors); }},
            {"timeout_s",
             [&](const SpecNode& n) {
               if (const auto seconds = ReadPositive(n, "timeout_s", errors)) {
                 search.timeout = std::chrono::milliseconds(std::llround(*seconds * 1000));
               }
             }}},
           errors);
  if (node.kind == SpecNode::Kind::kMap && node.Find("command") == nullptr) {
    errors.Add(node, "search needs a command", kExample);
  }
  return search;
}

void CheckOwnSearch(const SpecNode& root, SpecErrors& errors) {
  const SpecNode* method = root.Find("method");
  const SpecNode* search = root.Find("search");
  const bool is_custom = method != nullptr && method->text == "custom";
  if (is_custom && search == nullptr) {
    errors.Add(*method, "method custom needs the program that searches", kExample);
  }
  if (!is_custom && search != nullptr) {
    errors.Add(*search, "search is for method: custom and method: pbt",
               "write one of them, or leave it away");
  }
}

Json ToJson(const OwnSearch& search) {
  return {{"command", search.command}, {"timeout_ms", search.timeout.count()}};
}

OwnSearch OwnSearchFromJson(const Json& json) {
  OwnSearch search{json.at("command").get<std::vector<std::string>>(),
                   std::chrono::milliseconds(WholeNumber<std::int64_t>(json.at("timeout_ms")))};
  if (search.command.empty()) throw Error("search has no command", "", "");
  return search;
}

}  // namespace ddl
