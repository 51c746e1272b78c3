// SPDX-License-Identifier: Apache-2.0
// Folders of a host, fetched over SSH into one here that is whole or not there.
#pragma once

#include <functional>
#include <string>
#include <variant>

#include "runner/host_session.h"
#include "runner/tree_receiver.h"
#include "runner/tree_sender.h"

namespace ddl {

struct TreeOrder {
  NamedFolders folders;  // below the host folder
  std::string into;      // the folder that is made; the one that holds it is there
  std::string token;     // says of whom they are: what came of others is thrown away
};

// Beside `into` lies what has come so far (NAME.coming), until it is whole, synced and renamed; the
// next call goes on with it, unless the machine was booted since. An `into` that is there already
// gets another name first, `aside`. `progress` is called with each piece.
[[nodiscard]] std::variant<TreeCounts, SshProblem> FetchTree(
    HostSession& host, const TreeOrder& order, const std::string& aside,
    const std::function<void(const TreeCounts&)>& progress);

}  // namespace ddl
