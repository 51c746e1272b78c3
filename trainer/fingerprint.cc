// SPDX-License-Identifier: Apache-2.0
#include "trainer/fingerprint.h"

#include <algorithm>
#include <functional>
#include <system_error>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <zlib.h>

#include "trainer/checkpoint.h"

namespace ddl {

std::optional<Json> FingerprintOf(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator(folder, unreadable)) {
    if (entry.path().filename().string().starts_with("iteration-")) paths.push_back(entry.path());
  }
  std::ranges::sort(paths, std::greater<>());
  for (const std::filesystem::path& path : paths) {
    const auto read = ReadCheckpoint(path);
    const auto* checkpoint = std::get_if<Checkpoint>(&read);
    if (checkpoint == nullptr) continue;
    const uLong crc = crc32_z(0, reinterpret_cast<const Bytef*>(checkpoint->state.data()),
                              checkpoint->state.size() * sizeof(float));
    return Json{{"training", checkpoint->header.training},
                {"arithmetic", checkpoint->header.arithmetic},
                {"iteration", checkpoint->header.clock.iteration},
                {"weights", fmt::format("{:08x}", crc)}};
  }
  return std::nullopt;
}

}  // namespace ddl
