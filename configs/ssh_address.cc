// SPDX-License-Identifier: Apache-2.0
#include "configs/ssh_address.h"

#include <charconv>

#include <fmt/format.h>

namespace ddl {

namespace {

constexpr std::string_view kLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
constexpr int kMostPort = 65535;

bool IsPlainName(std::string_view name) {
  return !name.empty() && name.front() != '-' &&
         name.find_first_not_of(kLetters) == std::string_view::npos;
}

bool IsIpv6(std::string_view name) {
  return name.find(':') != std::string_view::npos &&
         name.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

std::optional<int> ParsePort(std::string_view text) {
  int port = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool is_whole = problem == std::errc() && end == text.data() + text.size();
  if (!is_whole || port < 1 || port > kMostPort) return std::nullopt;
  return port;
}

}  // namespace

bool IsSshHost(std::string_view host) {
  return host.starts_with(kSshScheme);
}

std::variant<SshAddress, BadAddress> ParseSshAddress(std::string_view text) {
  if (!IsSshHost(text)) return BadAddress{"it does not begin with ssh://"};
  std::string_view rest = text.substr(kSshScheme.size());
  SshAddress address;
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    const std::string_view user = rest.substr(0, at);
    if (user.find(':') != std::string_view::npos) {
      return BadAddress{"a password has no place in it: use a key"};
    }
    if (!IsPlainName(user)) return BadAddress{fmt::format("\"{}\" is no user name", user)};
    address.user = user;
    rest.remove_prefix(at + 1);
  }
  std::string_view port;
  bool has_port = false;
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) return BadAddress{"the ] is missing"};
    address.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    if (!IsIpv6(address.host)) return BadAddress{"within [ ] stands an IPv6 address"};
    has_port = rest.starts_with(':');
    if (!rest.empty() && !has_port) return BadAddress{"after ] comes :PORT or nothing"};
    if (has_port) port = rest.substr(1);
  } else {
    const std::size_t colon = rest.find(':');
    has_port = colon != std::string_view::npos;
    address.host = rest.substr(0, colon);
    if (has_port) port = rest.substr(colon + 1);
    if (!IsPlainName(address.host)) {
      return BadAddress{fmt::format("\"{}\" is no host name", address.host)};
    }
  }
  if (!has_port) return address;
  address.port = ParsePort(port);
  if (!address.port) return BadAddress{fmt::format("\"{}\" is no port: 1 to {}", port, kMostPort)};
  return address;
}

}  // namespace ddl
