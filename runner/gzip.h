// SPDX-License-Identifier: Apache-2.0
// Text as gzip (RFC 1952) and back, in memory. The runner's door to zlib, which the agent does not
// need: nothing that runs in an agent may include this.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ddl {

// Nothing when zlib gets no memory.
[[nodiscard]] std::optional<std::string> Gzip(std::string_view text);

// Nothing when it is no gzip, is cut short or damaged, or holds more than `limit` bytes.
[[nodiscard]] std::optional<std::string> Gunzip(std::string_view bytes, std::size_t limit);

}  // namespace ddl
