// SPDX-License-Identifier: Apache-2.0
// All errors of a spec at once, each with its place, its line and a caret.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "configs/spec_node.h"

namespace ddl {

class SpecErrors {
 public:
  SpecErrors(std::string file_name, std::string_view text)
      : file_name_(std::move(file_name)), text_(text) {}

  void Add(const SpecNode& node, std::string_view what, std::string_view hint);
  void Add(const SpecFault& fault);
  // At byte `offset` of a scalar's text; where the file writes that text otherwise (folded,
  // escaped, on the command line), at the scalar, and says which character it is.
  void AddWithin(const SpecNode& scalar, std::size_t offset, std::string_view what,
                 std::string_view hint);
  [[nodiscard]] bool IsEmpty() const { return errors_.empty(); }
  // Throws one Error with all of them, when there are any.
  void ThrowIfAny() const;

 private:
  [[nodiscard]] std::string Quote(int line, int column) const;
  // From that place on; nothing where there is none.
  [[nodiscard]] std::string_view TextFrom(int line, int column) const;

  std::string file_name_;
  std::string_view text_;
  std::vector<std::string> errors_;
};

}  // namespace ddl
