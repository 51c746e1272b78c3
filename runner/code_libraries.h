// SPDX-License-Identifier: Apache-2.0
// The libraries of a snapshot on a host: its own where the snapshot's program says that they fit,
// else those that another store or snapshot of this user was sent, else they are to be sent.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runner/code_tree.h"

namespace ddl {

struct LibraryVerdict {
  std::vector<std::size_t> lacking;  // positions in the manifest
  std::string why;                   // none of the host's own will do
  std::string problem;               // there is none to send either, or the disk refuses; or ""
};

// All else of the tree is there: libraries are judged by `ddl-trainer --library`, started from it,
// since loading one runs its code. `folders`: where to look first. Takes a second a library at
// most.
[[nodiscard]] LibraryVerdict SeeToLibraries(const CodeTree& tree, const std::string& code_folder,
                                            const std::vector<std::string>& folders);

}  // namespace ddl
