// SPDX-License-Identifier: Apache-2.0
// What the lines of a .gitignore say, and those of a .ddlignore, which are written alike.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ddl {

class IgnoreRules {
 public:
  // `folder`: that of the file, from the top; "" is the top itself.
  IgnoreRules(std::string_view text, std::string folder);

  // Of a path from the top, below the folder. nullopt: no line says anything of it. The caller does
  // not ask for what lies in an ignored folder, which no line can bring back.
  [[nodiscard]] std::optional<bool> IsIgnored(std::string_view path, bool is_folder) const;

 private:
  struct Rule {
    std::string pattern;
    bool brings_back = false;  // !pattern
    bool of_folders = false;   // pattern/
    bool is_anchored = false;  // to the folder: there is a slash in it
  };
  void Add(std::string_view line);

  std::string folder_;
  std::vector<Rule> rules_;  // a later one overrides an earlier one
};

// The word of the deepest file that has one counts. `rules` go from the top down.
[[nodiscard]] std::optional<bool> IsIgnored(const std::vector<IgnoreRules>& rules,
                                            std::string_view path, bool is_folder);

}  // namespace ddl
