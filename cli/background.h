// SPDX-License-Identifier: Apache-2.0
// Work that outlives the terminal it was started from.
#pragma once

#include <functional>
#include <string>

#include <sys/types.h>

namespace ddl {

// Stdout and stderr go to `path` from here on, stdin reads nothing.
void SendOutputTo(const std::string& path);

struct BackgroundWork {
  pid_t pid = 0;
  std::string log;  // where its output goes
};

// Runs `work` in a child without a terminal whose output goes to `folder`/coordinator.log. Returns
// in the parent once `work` has called `ready`, and throws there what it threw before. Call it
// before any thread is started.
[[nodiscard]] BackgroundWork InBackground(
    const std::string& folder, const std::function<int(const std::function<void()>& ready)>& work);

}  // namespace ddl
