// SPDX-License-Identifier: Apache-2.0
// Where folders of a store's trials lie, and the hands that take them away: this machine, or a host
// over SSH. Folders are named as in runner/removal.h.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runner/file.h"
#include "runner/job_folder.h"
#include "runner/remote_folders.h"

namespace ddl {

struct PlacedFolder {
  FolderSize size;
  FolderSize plain_logs;  // that could be compressed
  bool is_settled = false;
};

enum class RemovalEnd : std::uint8_t { kDone, kGone, kRefused };

class GcPlace {
 public:
  GcPlace() = default;
  GcPlace(const GcPlace&) = delete;
  GcPlace& operator=(const GcPlace&) = delete;
  virtual ~GcPlace() = default;

  // As attempts name it: "local" or an address.
  [[nodiscard]] virtual const std::string& Host() const = 0;
  // Where a folder lies there, for people; as far as it is known.
  [[nodiscard]] virtual std::string PathOf(const std::string& folder) const = 0;
  // Nothing: it is not there.
  [[nodiscard]] virtual std::optional<PlacedFolder> LookAt(const std::string& folder) const = 0;

  // After one of them removes: "" or why nobody may, now.
  [[nodiscard]] virtual std::string BeginRemovals() = 0;
  [[nodiscard]] virtual RemovalEnd SetAside(const std::string& folder) = 0;
  [[nodiscard]] virtual RemovalEnd PutBack(const std::string& folder) = 0;
  [[nodiscard]] virtual RemovalEnd RemoveAside(const std::string& folder) = 0;
  [[nodiscard]] virtual RemovalEnd CompressLogs(const std::string& job_folder) = 0;
};

class PlaceHere : public GcPlace {
 public:
  explicit PlaceHere(HostPaths paths) : paths_(std::move(paths)) {}

  [[nodiscard]] const std::string& Host() const override;
  [[nodiscard]] std::string PathOf(const std::string& folder) const override;
  [[nodiscard]] std::optional<PlacedFolder> LookAt(const std::string& folder) const override;
  [[nodiscard]] std::string BeginRemovals() override;
  [[nodiscard]] RemovalEnd SetAside(const std::string& folder) override;
  [[nodiscard]] RemovalEnd PutBack(const std::string& folder) override;
  [[nodiscard]] RemovalEnd RemoveAside(const std::string& folder) override;
  [[nodiscard]] RemovalEnd CompressLogs(const std::string& job_folder) override;
  [[nodiscard]] const HostPaths& Paths() const { return paths_; }

 private:
  HostPaths paths_;
  FileDescriptor lock_;
};

class PlaceThere : public GcPlace {
 public:
  // Connects and asks what lies there.
  [[nodiscard]] static std::variant<std::unique_ptr<PlaceThere>, SshProblem> Open(
      const std::string& address, const std::string& store_id);

  [[nodiscard]] const std::string& Host() const override { return address_; }
  [[nodiscard]] std::string PathOf(const std::string& folder) const override;
  [[nodiscard]] std::optional<PlacedFolder> LookAt(const std::string& folder) const override;
  [[nodiscard]] std::string BeginRemovals() override;
  [[nodiscard]] RemovalEnd SetAside(const std::string& folder) override;
  [[nodiscard]] RemovalEnd PutBack(const std::string& folder) override;
  [[nodiscard]] RemovalEnd RemoveAside(const std::string& folder) override;
  // Logs there stay as they are: an agent has no zlib.
  [[nodiscard]] RemovalEnd CompressLogs(const std::string& job_folder) override;
  [[nodiscard]] const std::map<std::string, StoreFolder>& Folders() const { return folders_; }

 private:
  PlaceThere(std::string address, std::string store_id, HostSession host)
      : address_(std::move(address)), store_id_(std::move(store_id)), host_(std::move(host)) {}
  [[nodiscard]] RemovalEnd Do(const std::string& verb, const std::string& folder);

  std::string address_;
  std::string store_id_;
  HostSession host_;
  std::map<std::string, StoreFolder> folders_;  // by name
  std::optional<RemoteRemoval> removal_;
};

}  // namespace ddl
