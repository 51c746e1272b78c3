// SPDX-License-Identifier: Apache-2.0
// Everything that is needed to reach a host by SSH and to recognise it, from its name in a spec and
// the user's own SSH configuration.
#pragma once

#include <string>
#include <vector>

#include "configs/ssh_address.h"
#include "runner/ssh_config.h"

namespace ddl {

// Where this user's SSH configuration lies.
struct SshHome {
  std::string home;                       // of the passwd entry: $HOME is not asked, as by OpenSSH
  std::string user;                       // local
  std::vector<std::string> config_files;  // the user's, then the system's
};

// One host to log in to; what it is reached over comes first.
struct SshTarget {
  std::string name;  // as in the spec or the configuration: "gpu1"
  std::string host_name;
  std::string user;
  int port = 22;
  std::vector<std::string> identity_files;
  bool identities_only = false;
  std::string identity_agent;  // socket of the SSH agent; "": none
  std::vector<std::string> known_hosts_files;
};

struct SshRoute {
  std::vector<SshTarget> hops;     // the last one is the host itself, those before it are jumps
  std::vector<std::string> notes;  // what of the configuration was skipped
};

// $DDL_SSH_CONFIG names one file that is read in place of both, as with `ssh -F`.
[[nodiscard]] SshHome FindSshHome();

// Throws Error for a configuration that cannot be read, that asks for a ProxyCommand, or whose
// jumps go in a circle.
[[nodiscard]] SshRoute ResolveSshRoute(const SshAddress& address, const SshHome& home);

}  // namespace ddl
