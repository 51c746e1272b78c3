// SPDX-License-Identifier: Apache-2.0
// All that lies in a folder, kept as a snapshot beside those of code (runner/code_tree.h), so that
// it travels to hosts as they do. Nothing is left out but pipes, sockets and devices.
#pragma once

#include <stop_token>
#include <string>

namespace ddl {

struct FolderSnapshot {
  std::string code;     // its name; "": there is nothing in the folder, or a problem
  std::string problem;  // what cannot be read or kept, and why
};

// The folder is not written to meanwhile. Equal folders are one snapshot. Synced. `stop` ends it
// with a problem.
[[nodiscard]] FolderSnapshot KeepFolder(const std::string& folder, const std::string& code_folder,
                                        const std::stop_token& stop = {});

// Every file of the snapshot is there, as far as stats tell; after a power failure, as its contents
// tell. False: it is not there any more, or damaged.
[[nodiscard]] bool HasSnapshot(const std::string& code_folder, const std::string& code);

}  // namespace ddl
