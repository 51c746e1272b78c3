// SPDX-License-Identifier: Apache-2.0
// Puts *** where a trial writes one of its secrets into its log, also across the borders of the
// pieces that it comes in. Texts of fewer than six bytes are left alone: they would hide anything.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ddl {

class LogMask {
 public:
  explicit LogMask(const std::vector<std::string>& hidden);

  [[nodiscard]] bool IsIdle() const { return hidden_.empty(); }
  // What may be written now. An end that a hidden text could begin with is kept for the next call.
  [[nodiscard]] std::string Take(std::string_view bytes);
  // What was kept, at the end of everything.
  [[nodiscard]] std::string Rest();

 private:
  std::string Shown(bool is_all);

  std::vector<std::string> hidden_;  // the longest first
  std::string text_;
};

}  // namespace ddl
