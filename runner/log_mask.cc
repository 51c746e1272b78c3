// SPDX-License-Identifier: Apache-2.0
#include "runner/log_mask.h"

#include <algorithm>

namespace ddl {

namespace {

constexpr std::size_t kShortest = 6;
constexpr std::string_view kShown = "***";

}  // namespace

LogMask::LogMask(const std::vector<std::string>& hidden) {
  for (const std::string& text : hidden) {
    if (text.size() >= kShortest) hidden_.push_back(text);
  }
  std::ranges::sort(hidden_, std::ranges::greater(), &std::string::size);
}

std::string LogMask::Take(std::string_view bytes) {
  text_ += bytes;
  return Shown(false);
}

std::string LogMask::Rest() {
  return Shown(true);
}

// At each place the longest hidden text that stands there wins; nothing is decided before the
// longest that could stand there is.
std::string LogMask::Shown(bool is_all) {
  std::string shown;
  std::string_view rest = text_;
  while (!rest.empty()) {
    const auto found = std::ranges::find_if(hidden_, [&](const std::string& hidden) {
      return rest.starts_with(hidden) || (!is_all && hidden.starts_with(rest));
    });
    if (found == hidden_.end()) {
      shown += rest.front();
      rest.remove_prefix(1);
    } else if (rest.size() < found->size()) {
      break;
    } else {
      shown += kShown;
      rest.remove_prefix(found->size());
    }
  }
  text_ = std::string(rest);
  return shown;
}

}  // namespace ddl
