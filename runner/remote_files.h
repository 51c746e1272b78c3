// SPDX-License-Identifier: Apache-2.0
// Files below the host folder of a host reached by SSH, streamed: for commands that only read.
// Takes no part in epochs, and disturbs no coordinator.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "configs/ssh_address.h"
#include "runner/ssh_login.h"

namespace ddl {

struct RemoteFile {
  std::string path;  // below the host folder
  std::int64_t offset = 0;
  bool follow = false;  // of a job: goes on until it has ended
};

class RemoteFiles {
 public:
  // `agent_path`: the agent that is brought along where it is missing.
  [[nodiscard]] static std::variant<RemoteFiles, SshProblem> Open(const SshAddress& address,
                                                                  const std::string& agent_path);
  RemoteFiles(RemoteFiles&&) noexcept;
  RemoteFiles& operator=(RemoteFiles&&) noexcept;
  RemoteFiles(const RemoteFiles&) = delete;
  RemoteFiles& operator=(const RemoteFiles&) = delete;
  ~RemoteFiles();

  // Hands out the bytes as they come; returns when all of them have. A file that is not there has
  // none. What was handed out before a problem was right: go on behind it.
  [[nodiscard]] std::optional<SshProblem> Read(const RemoteFile& file,
                                               const std::function<void(std::string_view)>& take);

 private:
  struct Connection;
  explicit RemoteFiles(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

}  // namespace ddl
