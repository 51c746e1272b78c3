// SPDX-License-Identifier: Apache-2.0
// A link carries messages between the coordinator and one host. The local machine's is a
// socketpair to an agent that the link starts; all kinds behave alike otherwise.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "configs/ssh_address.h"
#include "runner/messages.h"

namespace ddl {

// The link is gone; nothing is known of the host's ranks until a new one says Welcome.
struct LinkDown {
  std::string reason;
  std::string hint{};  // what the user can do; "": it may pass by itself
};

// Nothing was heard for 10 s; the link is remade after 30 s of that.
struct LinkSilent {};

struct HostNews {
  int host = 0;  // index that the coordinator gave
  std::variant<FromHost, LinkDown, LinkSilent> what;
};

// Owns a thread that does all reading, writing and waiting. Send never blocks. Destroying a link
// ends the agent, never a trial.
class Link {
 public:
  virtual ~Link() = default;
  virtual void Send(ToHost message) = 0;
};

struct LocalLinkOptions {
  int host = 0;
  std::string agent_path;     // the ddl-agent executable
  std::string host_folder;    // empty: $DDL_HOST_DIR, else the user's folder under /var/tmp
  Hello hello;                // sent first
  std::string code_folder{};  // where snapshots lie that are offered
};

// A host reached by SSH. Everything happens on the link's thread, so the factory never waits: what
// stands in the way is told by LinkDown.
struct SshLinkOptions {
  int host = 0;
  SshAddress address;
  std::string agent_path;  // the ddl-agent executable, sent to the host where it lacks it
  Hello hello;
  std::string code_folder{};
};

// News go through `deliver`, which is called on the link's thread and must only pass them on.
// Throws Error when the agent cannot be started.
using Deliver = std::function<void(HostNews)>;
[[nodiscard]] std::unique_ptr<Link> MakeLocalLink(const LocalLinkOptions& options, Deliver deliver);
[[nodiscard]] std::unique_ptr<Link> MakeSshLink(const SshLinkOptions& options, Deliver deliver);

}  // namespace ddl
