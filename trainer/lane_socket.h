// SPDX-License-Identifier: Apache-2.0
// The socket that lanes come over, and their connections.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace ddl {

// The next connection that waits; -1 when none does. The caller owns it.
[[nodiscard]] int AcceptLane(int listener);

// The path that it listens on; "" where it has none.
[[nodiscard]] std::string SocketPath(int listener);

// Appends to `text` what has come without waiting; a pair of descriptors that came with it goes
// into `descriptors` where those are -1, and is the caller's. False once the other end is closed.
[[nodiscard]] bool ReceiveFrom(int connection, std::string& text, std::array<int, 2>& descriptors);

// To whoever still listens.
void SendTo(int connection, std::string_view text);

}  // namespace ddl
