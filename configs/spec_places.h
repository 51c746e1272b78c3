// SPDX-License-Identifier: Apache-2.0
// Faults that are found after a spec was read, told as its reader tells them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ddl {

struct SpecPlaces {
  std::string file_name;
  std::string text;                      // of the file; "": there is none
  std::vector<std::string> overrides{};  // of the command line

  // Throws Error with the place of the value of the key, such as {"search", "command"}, the line
  // and a caret. Of a list it is the item; where nothing stands there, the file alone.
  [[noreturn]] void Throw(const std::vector<std::string_view>& key, std::size_t item,
                          std::string_view what, std::string_view hint) const;
};

}  // namespace ddl
