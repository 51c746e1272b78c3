// SPDX-License-Identifier: Apache-2.0
#include "cli/gc_place.h"

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "cli/executables.h"
#include "configs/inventory.h"
#include "runner/kept_log.h"
#include "runner/rank_record.h"
#include "runner/removal.h"

namespace ddl {

// ---- this machine ----------------------------------------------------------------------------

const std::string& PlaceHere::Host() const {
  static const std::string kHere(kLocalAddress);
  return kHere;
}

std::string PlaceHere::PathOf(const std::string& folder) const {
  return paths_.Store() + "/" + folder;
}

std::optional<PlacedFolder> PlaceHere::LookAt(const std::string& folder) const {
  const std::string path = PathOf(folder);
  const FolderSize size = SizeOf(path);
  if (size == FolderSize{}) return std::nullopt;
  FolderSize logs = SizeOf(path + "/log");
  logs += SizeOf(path + "/log.tail");
  return PlacedFolder{.size = size, .plain_logs = logs, .is_settled = IsSettled(path)};
}

std::string PlaceHere::BeginRemovals() {
  std::optional<FileDescriptor> lock = LockForRemoval(paths_);
  if (!lock) return "another ddl gc is at work, or the folder cannot be written";
  lock_ = *std::move(lock);
  FinishRemovals(paths_);
  return {};
}

RemovalEnd PlaceHere::SetAside(const std::string& folder) {
  if (ddl::SetAside(paths_, folder)) return RemovalEnd::kDone;
  return errno == ENOENT ? RemovalEnd::kGone : RemovalEnd::kRefused;
}

RemovalEnd PlaceHere::PutBack(const std::string& folder) {
  return ddl::PutBack(paths_, folder) ? RemovalEnd::kDone : RemovalEnd::kRefused;
}

RemovalEnd PlaceHere::RemoveAside(const std::string& folder) {
  return ddl::RemoveAside(paths_, folder) ? RemovalEnd::kDone : RemovalEnd::kRefused;
}

RemovalEnd PlaceHere::CompressLogs(const std::string& job_folder) {
  const std::string path = PathOf(job_folder);
  if (!IsSettled(path)) return RemovalEnd::kGone;
  return ddl::CompressLogs(path) ? RemovalEnd::kDone : RemovalEnd::kRefused;
}

// ---- a host ----------------------------------------------------------------------------------

std::variant<std::unique_ptr<PlaceThere>, SshProblem> PlaceThere::Open(
    const std::string& address, const std::string& store_id) {
  auto opened =
      HostSession::Open({.address = address, .agent_path = SiblingExecutable("ddl-agent")});
  if (auto* problem = std::get_if<SshProblem>(&opened)) return std::move(*problem);
  std::unique_ptr<PlaceThere> place(
      new PlaceThere(address, store_id, std::get<HostSession>(std::move(opened))));
  auto listed = ListRemoteFolders(place->host_, store_id);
  if (auto* problem = std::get_if<SshProblem>(&listed)) return std::move(*problem);
  for (StoreFolder& folder : std::get<std::vector<StoreFolder>>(listed)) {
    const std::string name = folder.name;
    place->folders_.emplace(name, std::move(folder));
  }
  return place;
}

std::string PlaceThere::PathOf(const std::string& folder) const {
  return fmt::format("{}:{}/{}", address_, store_id_, folder);
}

std::optional<PlacedFolder> PlaceThere::LookAt(const std::string& folder) const {
  const auto found = folders_.find(folder);
  if (found == folders_.end()) return std::nullopt;
  return PlacedFolder{
      .size = found->second.size, .plain_logs = {}, .is_settled = found->second.is_settled};
}

std::string PlaceThere::BeginRemovals() {
  auto begun = RemoteRemoval::Begin(host_, store_id_);
  if (auto* problem = std::get_if<SshProblem>(&begun)) return problem->reason;
  removal_ = std::get<RemoteRemoval>(std::move(begun));
  return {};
}

RemovalEnd PlaceThere::SetAside(const std::string& folder) {
  return Do("aside", folder);
}

RemovalEnd PlaceThere::PutBack(const std::string& folder) {
  return Do("back", folder);
}

RemovalEnd PlaceThere::RemoveAside(const std::string& folder) {
  const RemovalEnd end = Do("remove", folder);
  if (end == RemovalEnd::kDone) folders_.erase(folder);
  return end;
}

RemovalEnd PlaceThere::CompressLogs(const std::string&) {
  return RemovalEnd::kGone;
}

RemovalEnd PlaceThere::Do(const std::string& verb, const std::string& folder) {
  const auto answer = removal_ ? removal_->Do(verb, folder) : std::nullopt;
  if (answer == "done") return RemovalEnd::kDone;
  return answer == "gone" ? RemovalEnd::kGone : RemovalEnd::kRefused;
}

}  // namespace ddl
