// SPDX-License-Identifier: Apache-2.0
// How a spec names a host that SSH reaches: ssh://[USER@]HOST[:PORT]. HOST may be a name of the
// user's own ssh configuration.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace ddl {

struct SshAddress {
  std::optional<std::string> user;
  std::string host;  // a name, or an IPv4 or IPv6 address without brackets
  std::optional<int> port;
  bool operator==(const SshAddress&) const = default;
};

struct BadAddress {
  std::string why;
};

inline constexpr std::string_view kSshScheme = "ssh://";

[[nodiscard]] bool IsSshHost(std::string_view host);

// Nothing that a shell, a file name or an option parser could take for something else gets through.
[[nodiscard]] std::variant<SshAddress, BadAddress> ParseSshAddress(std::string_view text);

}  // namespace ddl
