// SPDX-License-Identifier: Apache-2.0
// YAML events into a SpecNode tree, with every limit checked on the way: yaml-cpp's own tree
// crashes on recursive aliases and lets duplicate keys, alias bombs and second documents pass.
#include <cassert>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "configs/spec_node.h"

namespace ddl {

namespace {

std::int64_t CountNodes(const SpecNode& node) {
  std::int64_t count = 1;
  for (const SpecNode& item : node.items) {
    count += CountNodes(item);
  }
  for (const auto& [name, value] : node.entries) {
    count += 1 + CountNodes(value);
  }
  return count;
}

class TreeBuilder : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(Node(mark, SpecNode::Kind::kNull), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) {
      throw SpecFault{mark.line + 1, mark.column + 1, "this alias stands inside its own anchor",
                      "write the value out"};
    }
    nodes_ += CountNodes(known->second);
    CheckCount(mark);
    Add(known->second, YAML::NullAnchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    SpecNode node = Node(mark, SpecNode::Kind::kScalar);
    node.text = value;
    node.is_quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    Add(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, SpecNode::Kind::kList, anchor);
  }
  void OnSequenceEnd() override { CloseTop(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, SpecNode::Kind::kMap, anchor);
  }
  void OnMapEnd() override { CloseTop(); }

  [[nodiscard]] SpecNode Take() { return std::move(root_); }

 private:
  struct OpenNode {
    SpecNode node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::optional<SpecNode> key;  // of a map: read, its value still to come
  };

  SpecNode Node(const YAML::Mark& mark, SpecNode::Kind kind) {
    ++nodes_;
    CheckCount(mark);
    SpecNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }
  void CheckCount(const YAML::Mark& mark) const {
    if (nodes_ <= kMaxSpecNodes) return;
    throw SpecFault{mark.line + 1, mark.column + 1,
                    fmt::format("more than {} values, aliases expanded", kMaxSpecNodes),
                    "use a distribution instead of a list of values"};
  }
  void Open(const YAML::Mark& mark, SpecNode::Kind kind, YAML::anchor_t anchor) {
    if (std::ssize(open_) >= kMaxSpecDepth) {
      throw SpecFault{mark.line + 1, mark.column + 1,
                      fmt::format("nested deeper than {} levels", kMaxSpecDepth),
                      "flatten the spec"};
    }
    open_.push_back({Node(mark, kind), anchor, std::nullopt});
  }
  void CloseTop() {
    OpenNode top = std::move(open_.back());
    open_.pop_back();
    Add(std::move(top.node), top.anchor);
  }
  void Add(SpecNode node, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
    } else if (open_.back().node.kind == SpecNode::Kind::kList) {
      open_.back().node.items.push_back(std::move(node));
    } else if (!open_.back().key) {
      AddKey(std::move(node));
    } else {
      AddValue(std::move(node));
    }
  }
  void AddKey(SpecNode key) {
    if (key.kind != SpecNode::Kind::kScalar) {
      throw SpecFault{key.line, key.column, "a key must be a plain word", "quote it"};
    }
    if (key.text != "<<" && open_.back().node.Find(key.text) != nullptr) {
      throw SpecFault{key.line, key.column, fmt::format("duplicate key \"{}\"", key.text),
                      "keep one of them"};
    }
    open_.back().key = std::move(key);
  }
  void AddValue(SpecNode value) {
    OpenNode& top = open_.back();
    assert(top.key);
    if (top.key->text == "<<" && value.kind == SpecNode::Kind::kMap) {
      for (auto& entry : value.entries) {
        if (top.node.Find(entry.key.text) == nullptr) top.node.entries.push_back(entry);
      }
    } else {
      top.node.entries.push_back({*std::move(top.key), std::move(value)});
    }
    top.key.reset();
  }

  SpecNode root_;
  std::vector<OpenNode> open_;
  std::map<YAML::anchor_t, SpecNode> anchors_;
  std::int64_t nodes_ = 0;
};

// What the first byte of a UTF-8 sequence says of its length; 0: it begins none.
std::size_t AnnouncedLength(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead < 0xF5 ? 4 : 0;
}

// The length of the UTF-8 sequence at the beginning; 0: there is none.
std::size_t SequenceLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t length = AnnouncedLength(lead);
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool beyond = (lead == 0xED && byte(1) > 0x9F) || (lead == 0xF4 && byte(1) > 0x8F);
  return overlong || beyond ? 0 : length;
}

void CheckBytes(std::string_view text) {
  if (text.size() > kMaxSpecBytes) {
    throw SpecFault{1, 1, fmt::format("the spec is larger than {} MiB", kMaxSpecBytes >> 20U),
                    "use distributions instead of long lists"};
  }
  int line = 1;
  int column = 1;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = SequenceLength(text.substr(i));
    if (length == 0 || text[i] == '\0') {
      throw SpecFault{line, column, length == 0 ? "not valid UTF-8" : "a NUL byte",
                      "save the file as UTF-8 text"};
    }
    ++column;
    if (text[i] == '\n') {
      ++line;
      column = 1;
    }
    i += length;
  }
}

}  // namespace

SpecNode ParseSpecText(std::string_view text) {
  CheckBytes(text);
  std::istringstream stream{std::string(text)};
  TreeBuilder builder;
  TreeBuilder second;
  try {
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    if (parser.HandleNextDocument(second)) {
      const SpecNode rest = second.Take();
      throw SpecFault{std::max(1, rest.line), std::max(1, rest.column), "a second document",
                      "one spec a file: remove the line ---"};
    }
  } catch (const YAML::Exception& problem) {
    throw SpecFault{problem.mark.line + 1, problem.mark.column + 1,
                    fmt::format("not valid YAML: {}", problem.msg),
                    "check indentation, quotes and brackets"};
  }
  return builder.Take();
}

}  // namespace ddl
