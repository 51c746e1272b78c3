// SPDX-License-Identifier: Apache-2.0
// Work that outlives the terminal it was started from.
#pragma once

#include <functional>
#include <string>

namespace ddl {

// Stdout and stderr go to `path` from here on, stdin reads nothing.
void SendOutputTo(const std::string& path);

// Runs `work` in a child without a terminal whose output goes to `folder`/coordinator.log. Returns
// in the parent: 0 once `work` has called `ready`, else the exit code it ended with, after its
// error was printed. Call it before any thread is started.
[[nodiscard]] int InBackground(const std::string& folder,
                               const std::function<int(const std::function<void()>& ready)>& work);

}  // namespace ddl
