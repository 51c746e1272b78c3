// SPDX-License-Identifier: Apache-2.0
// A file below the host folder of a host reached by SSH, streamed.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "runner/host_session.h"
#include "runner/ssh_login.h"

namespace ddl {

struct RemoteFile {
  std::string path;  // below the host folder
  std::int64_t offset = 0;
  bool follow = false;  // of a job: goes on until it has ended
};

// Hands out the bytes as they come; returns when all of them have. A file that is not there has
// none. What was handed out before a problem was right: go on behind it. Of a file that is followed
// `take` gets nothing now and then, so that whoever has enough can leave by an exception.
[[nodiscard]] std::optional<SshProblem> ReadRemoteFile(
    HostSession& host, const RemoteFile& file, const std::function<void(std::string_view)>& take);

}  // namespace ddl
