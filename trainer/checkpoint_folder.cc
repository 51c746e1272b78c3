// SPDX-License-Identifier: Apache-2.0
#include "trainer/checkpoint_folder.h"

#include <algorithm>
#include <functional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/durable_file.h"

namespace ddl {

namespace {

constexpr std::string_view kPrefix = "iteration-";
constexpr std::string_view kSuffix = ".ckpt";

// Zeros in front make the order of names the order of iterations.
std::string FileName(std::uint64_t iteration) {
  return fmt::format("{}{:012}{}", kPrefix, iteration, kSuffix);
}

bool IsNumbered(const std::string& name) {
  return name.starts_with(kPrefix) && name.ends_with(kSuffix);
}

}  // namespace

CheckpointFolder::CheckpointFolder(std::filesystem::path folder, std::size_t keep_last)
    : folder_(std::move(folder)), keep_last_(keep_last) {
  std::error_code failure;
  std::filesystem::create_directories(folder_, failure);
  if (!failure) return;
  throw Error(fmt::format("cannot make the checkpoint folder: {}", failure.message()),
              folder_.string(), "name a folder that can be written", ErrorKind::kInfrastructure);
}

void CheckpointFolder::Save(const CheckpointHeader& header, std::span<const float> state,
                            bool is_best) {
  if (!std::exchange(is_name_safe_, true)) SyncNamesAboveFolder(folder_);
  const std::filesystem::path path = folder_ / FileName(header.clock.iteration);
  WriteCheckpoint(path, header, state);
  if (is_best) LinkDurably(path, folder_ / fmt::format("best{}", kSuffix));
  const std::vector<std::filesystem::path> all = NewestFirst();
  std::error_code ignored;  // one that stays for now goes after the next save
  for (std::size_t i = keep_last_; i < all.size(); ++i) {
    std::filesystem::remove(all[i], ignored);
  }
}

std::vector<std::filesystem::path> CheckpointFolder::NewestFirst() const {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    if (IsNumbered(entry.path().filename().string())) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end(), std::greater<>());
  return found;
}

std::optional<Checkpoint> CheckpointFolder::LoadNewest(const std::string& training,
                                                       std::size_t state_floats,
                                                       std::vector<std::string>& notes) const {
  for (const std::filesystem::path& path : NewestFirst()) {
    std::variant<Checkpoint, DamagedCheckpoint> read = ReadCheckpoint(path);
    if (const auto* damaged = std::get_if<DamagedCheckpoint>(&read)) {
      notes.push_back(fmt::format("skipped {}: {}", path.string(), damaged->why));
      continue;
    }
    Checkpoint& checkpoint = std::get<Checkpoint>(read);
    if (checkpoint.header.training != training || checkpoint.state.size() != state_floats) {
      throw Error(fmt::format("the checkpoint is of another training: {}, not {}",
                              checkpoint.header.training, training),
                  path.string(), "name another checkpoint folder, or empty this one");
    }
    return std::move(checkpoint);
  }
  return std::nullopt;
}

}  // namespace ddl
