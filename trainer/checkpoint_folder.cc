// SPDX-License-Identifier: Apache-2.0
#include "trainer/checkpoint_folder.h"

#include <algorithm>
#include <charconv>
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

// Zeros in front make the order of names the order of iterations, for whoever lists them.
std::string FileName(std::uint64_t iteration) {
  return fmt::format("{}{:012}{}", kPrefix, iteration, kSuffix);
}

// Nothing for a file that is called otherwise.
std::optional<std::uint64_t> IterationOf(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  const std::string_view digits =
      std::string_view(name).substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
  std::uint64_t iteration = 0;
  const char* end = digits.data() + digits.size();
  const auto [rest, problem] = std::from_chars(digits.data(), end, iteration);
  if (problem != std::errc() || rest != end) return std::nullopt;
  return iteration;
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

// A header of iteration N knows the best figure, so the best is named before N is: whoever
// continues from N would never write it again, and whoever continues from before N does.
void CheckpointFolder::Save(const CheckpointHeader& header, std::span<const float> state,
                            bool is_best) {
  if (!std::exchange(is_name_safe_, true)) SyncNamesAboveFolder(folder_);
  const std::filesystem::path path = folder_ / FileName(header.clock.iteration);
  if (is_best) {
    const std::filesystem::path best = folder_ / fmt::format("best{}", kSuffix);
    WriteCheckpoint(best, header, state);
    LinkDurably(best, path);
  } else {
    WriteCheckpoint(path, header, state);
  }
  Prune(header.clock.iteration);
}

// What is of a later iteration was no good when the training began. It goes: should it be readable
// again, the next start would leave for it what has been written since.
void CheckpointFolder::Prune(std::uint64_t written) const {
  std::size_t kept = 0;
  std::error_code ignored;  // one that stays for now goes after the next save
  for (const std::filesystem::path& path : NewestFirst()) {
    if (IterationOf(path) <= written && ++kept <= keep_last_) continue;
    std::filesystem::remove(path, ignored);
  }
}

std::vector<std::filesystem::path> CheckpointFolder::NewestFirst() const {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    if (IterationOf(entry.path())) found.push_back(entry.path());
  }
  std::ranges::sort(found, std::greater<>(), IterationOf);
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
