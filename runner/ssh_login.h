// SPDX-License-Identifier: Apache-2.0
// The first minute of an SSH session: is this the host it says it is, and does it let us in. The
// key of the host is judged before a byte of authentication is sent.
#pragma once

#include <optional>
#include <string>

#include <libssh/libssh.h>

#include "runner/ssh_target.h"
#include "runner/wakeup.h"

namespace ddl {

// Why a session did not come about.
struct SshProblem {
  std::string reason;
  std::string hint;  // what the user can do; "": it may pass by itself
  [[nodiscard]] bool NeedsUser() const { return !hint.empty(); }
};

// What a poll on the session's descriptor should wait for.
[[nodiscard]] short EventsOf(ssh_session session);

// Waits until libssh may go on with a call that answered "again". False: patience has ended.
[[nodiscard]] bool WaitForSession(ssh_session session, const Patience& patience);

// Shakes hands over the session's own socket. nullopt: it is done.
[[nodiscard]] std::optional<SshProblem> ShakeHands(ssh_session session, const SshTarget& target,
                                                   const Patience& patience);

// After the handshake. Refuses all but a key that one of the known-hosts files has for this host
// and that none of them revokes.
[[nodiscard]] std::optional<SshProblem> CheckHostKey(ssh_session session, const SshTarget& target);

// Keys of the SSH agent, then key files without a passphrase. Never a password.
[[nodiscard]] std::optional<SshProblem> Authenticate(ssh_session session, const SshTarget& target,
                                                     const Patience& patience);

}  // namespace ddl
