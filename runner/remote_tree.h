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
  std::string token;     // a word that says of whom they are; what came of others is thrown away
};

// The token of a folder that was fetched; "" of any other.
[[nodiscard]] std::string FetchedTree(const std::string& folder);

// Beside `into` lies what has come so far (NAME.coming), until it is whole, synced and renamed; the
// next call goes on with it, unless the machine was booted since. An `into` of another token that
// is there already is called NAME.TOKEN from then on. `progress` is called with each piece.
[[nodiscard]] std::variant<TreeCounts, SshProblem> FetchTree(
    HostSession& host, const TreeOrder& order,
    const std::function<void(const TreeCounts&)>& progress);

}  // namespace ddl
