// SPDX-License-Identifier: Apache-2.0
// The few keys of OpenSSH's client configuration that say how a host is reached and which keys
// speak for whom. Nothing in such a file is ever executed, and nothing in it loosens the check of a
// host's key: libssh's own reading of these files does both.
//
//   read      Host, Include, HostName, User, Port, IdentityFile, IdentitiesOnly, IdentityAgent,
//             ProxyJump, UserKnownHostsFile, GlobalKnownHostsFile, Match all
//   refused   ProxyCommand: the host would be looked for at a wrong place without it
//   skipped   every other Match block (said in `notes`), and all other keys
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "configs/ssh_address.h"

namespace ddl {

// A file and its text. `path` is for messages, and for the folder of relative Includes.
struct SshConfigText {
  std::string path;
  std::string text;
};

// Files that an Include names, in the order of their names; none for a pattern that fits nothing.
using SshIncludes = std::function<std::vector<SshConfigText>(const std::string& pattern)>;

struct SshSettings {
  std::optional<std::string> host_name;
  std::optional<std::string> user;
  std::optional<int> port;
  std::vector<std::string> identity_files;
  std::optional<bool> identities_only;
  std::optional<std::string> identity_agent;
  std::optional<std::string> proxy_jump;
  std::optional<std::string> proxy_command;
  std::vector<std::string> user_known_hosts_files;
  std::vector<std::string> global_known_hosts_files;
  std::vector<std::string> notes;  // blocks that were skipped: "FILE:LINE: …"
};

// What the files say of `host`, the name as the user wrote it. As in OpenSSH the first value of a
// key counts, and identity files add up. Throws Error with file and line for a value that makes no
// sense.
[[nodiscard]] SshSettings ReadSshConfig(const std::vector<SshConfigText>& files,
                                        const std::string& host, const SshIncludes& includes);

// "*" and "?" as in Host lines.
[[nodiscard]] bool MatchesSshPattern(std::string_view text, std::string_view pattern);

}  // namespace ddl
