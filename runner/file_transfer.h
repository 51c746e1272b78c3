// SPDX-License-Identifier: Apache-2.0
// Files that travel in frames, on the host's side. Every path lies below the host folder; a path
// that leaves it is refused.
#pragma once

#include <string>

#include "runner/messages.h"

namespace ddl {

inline constexpr std::size_t kMaxFilePiece = std::size_t{4} << 20U;

// "" for a path that would leave the folder.
[[nodiscard]] std::string PathBelow(const std::string& folder, const std::string& path);

// One piece, at most kMaxFilePiece; `last` when it reaches the file's end or the length asked for.
[[nodiscard]] FileChunk ReadPiece(const std::string& host_folder, const GetFile& request);

// Adds the piece to a file aside; with the last one the SHA-256 of the whole is checked and the
// file gets its name. `have` tells where to go on after a cut.
[[nodiscard]] PutFileReply WritePiece(const std::string& host_folder, const PutFile& request);

}  // namespace ddl
