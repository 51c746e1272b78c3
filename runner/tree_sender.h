// SPDX-License-Identifier: Apache-2.0
// ddl-agent send NAME=FOLDER...: folders below the host folder on its standard output, each under
// its name, as runner/tree_stream.h says; what the receiver has comes on its standard input. It
// takes no part in epochs, and changes nothing.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ddl {

// Name and folder below the host folder. One that is not there has nothing in it, as long as the
// folder is there that would hold it.
using NamedFolders = std::vector<std::pair<std::string, std::string>>;

// 0: all of it was sent. 1: something could not be read or changed meanwhile, which is said on
// stderr, or nobody listens any more.
[[nodiscard]] int SendTree(const std::string& host_folder, const NamedFolders& folders, int in,
                           int out);

}  // namespace ddl
