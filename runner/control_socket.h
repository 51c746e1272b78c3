// SPDX-License-Identifier: Apache-2.0
// The address of a coordinator's socket. Paths of Unix sockets end at 107 bytes; going through the
// folder's descriptor allows any folder.
#pragma once

#include <cstdint>
#include <string>

namespace ddl {

enum class SocketUse : std::uint8_t { kListen, kConnect };

// A close-on-exec stream socket bound to (and listening at) or connected to `folder`/socket;
// -1 with errno set on failure. kListen replaces what is there.
[[nodiscard]] int OpenControlSocket(const std::string& folder, SocketUse use);

}  // namespace ddl
