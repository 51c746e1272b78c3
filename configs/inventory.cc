// SPDX-License-Identifier: Apache-2.0
#include "configs/inventory.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configs/error.h"
#include "configs/nearest.h"
#include "configs/ssh_address.h"

namespace ddl {

namespace {

constexpr std::string_view kLabelWord = "label:";

struct Wrong {
  std::string what;
  std::string hint;
};

std::string Guess(std::string_view word, const std::vector<std::string_view>& known,
                  const std::string& otherwise) {
  const std::string nearest = NearestName(word, known);
  return nearest.empty() ? otherwise : fmt::format("did you mean {}?", nearest);
}

Wrong UnknownName(const std::string& word, const Inventory& inventory) {
  std::vector<std::string_view> known{kLocalAddress};
  for (const HostEntry& entry : inventory.hosts) {
    known.push_back(entry.name);
  }
  const std::string hint =
      Guess(word, known,
            fmt::format("known: {}; or write ssh://[USER@]HOST[:PORT]", fmt::join(known, ", ")));
  return {fmt::format("unknown host \"{}\"", word), hint + " (" + inventory.DescribeFiles() + ")"};
}

Wrong UnknownLabel(const std::string& word, const std::string& label, const Inventory& inventory) {
  std::vector<std::string_view> known;
  for (const HostEntry& entry : inventory.hosts) {
    known.insert(known.end(), entry.labels.begin(), entry.labels.end());
  }
  std::ranges::sort(known);
  const auto twice = std::ranges::unique(known);
  known.erase(twice.begin(), twice.end());
  const std::string hint =
      Guess(label, known,
            known.empty() ? "write labels: [...] at a host in hosts.yaml"
                          : fmt::format("known labels: {}", fmt::join(known, ", ")));
  return {fmt::format("no host for {}", word), hint + " (" + inventory.DescribeFiles() + ")"};
}

HostEntry Undescribed(const std::string& address) {
  return {.name = address, .address = address, .labels = {}, .env = {}, .setup = {}};
}

std::variant<std::vector<HostEntry>, Wrong> Look(const std::string& word,
                                                 const Inventory& inventory) {
  if (const HostEntry* entry = inventory.Named(word)) return std::vector{*entry};
  if (const HostEntry* entry = inventory.At(word)) return std::vector{*entry};
  if (word == kLocalAddress) return std::vector{Undescribed(word)};
  if (IsSshHost(word)) {
    const auto parsed = ParseSshAddress(word);
    if (const auto* bad = std::get_if<BadAddress>(&parsed)) {
      return Wrong{fmt::format("host {}: {}", word, bad->why), "write ssh://[USER@]HOST[:PORT]"};
    }
    return std::vector{Undescribed(word)};
  }
  if (word.find("://") != std::string::npos) {
    return Wrong{fmt::format("host {} is not built yet", word),
                 "local, ssh://[USER@]HOST[:PORT] and names of hosts.yaml work"};
  }
  if (!word.starts_with(kLabelWord)) return UnknownName(word, inventory);
  const std::string label = word.substr(kLabelWord.size());
  std::vector<HostEntry> found;
  for (const HostEntry& entry : inventory.hosts) {
    if (std::ranges::count(entry.labels, label) > 0) found.push_back(entry);
  }
  if (found.empty()) return UnknownLabel(word, label, inventory);
  return found;
}

std::optional<std::string> ReadSmallFile(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream || std::filesystem::is_directory(path)) return std::nullopt;
  std::string text(kMaxSpecBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

bool IsOurs(const std::filesystem::path& folder) {
  struct stat facts{};
  return ::stat(folder.c_str(), &facts) == 0 && facts.st_uid == ::geteuid();
}

// The spec's own folder is trusted as the spec is; those above only where they are ours.
std::filesystem::path ProjectFile(const std::filesystem::path& folder) {
  std::filesystem::path at = folder;
  std::error_code ignored;
  while (true) {
    if (std::filesystem::exists(at / kInventoryFile, ignored)) return at / kInventoryFile;
    const bool is_top = std::filesystem::is_directory(at / ".ddl", ignored) ||
                        !at.has_relative_path() || !IsOurs(at.parent_path());
    if (is_top) return {};
    at = at.parent_path();
  }
}

std::filesystem::path UserFile() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  if (config != nullptr && *config == '/') {
    return std::filesystem::path(config) / "ddl" / kInventoryFile;
  }
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home != '/') return {};
  return std::filesystem::path(home) / ".config" / "ddl" / kInventoryFile;
}

void AddFile(const std::filesystem::path& path, Inventory& inventory) {
  if (path.empty() || std::ranges::count(inventory.files, path.string()) > 0) return;
  const std::optional<std::string> text = ReadSmallFile(path);
  if (!text) return;
  inventory.files.push_back(path);
  InventoryReading reading = ReadInventory(*text, path);
  std::ranges::move(reading.failures, std::back_inserter(inventory.failures));
  for (HostEntry& entry : reading.hosts) {
    // An address of the project by another name would be the same host twice.
    const bool is_known =
        inventory.Named(entry.name) != nullptr || inventory.At(entry.address) != nullptr;
    if (!is_known) inventory.hosts.push_back(std::move(entry));
  }
}

}  // namespace

const HostEntry* Inventory::Named(std::string_view name) const {
  const auto found = std::ranges::find(hosts, name, &HostEntry::name);
  return found == hosts.end() ? nullptr : &*found;
}

const HostEntry* Inventory::At(std::string_view address) const {
  const auto found = std::ranges::find(hosts, address, &HostEntry::address);
  return found == hosts.end() ? nullptr : &*found;
}

std::string Inventory::DescribeFiles() const {
  if (!files.empty()) return fmt::format("read: {}", fmt::join(files, ", "));
  return fmt::format("there is no {} beside the spec, above it, or at {}", kInventoryFile,
                     UserFile().string());
}

Inventory FindInventory(const std::string& folder) {
  Inventory inventory;
  AddFile(ProjectFile(folder), inventory);
  AddFile(UserFile(), inventory);
  return inventory;
}

std::vector<std::string> ReadHosts(const SpecNode& node, const Inventory& inventory,
                                   SpecErrors& errors) {
  std::vector<std::string> addresses;
  if (node.kind != SpecNode::Kind::kList || node.items.empty()) {
    errors.Add(node, "hosts must be a list", "write hosts: [local]");
    return addresses;
  }
  for (const SpecNode& item : node.items) {
    if (item.kind != SpecNode::Kind::kScalar || item.text.empty()) {
      errors.Add(item, "a host must be a text", "write it as one word, or in quotes");
      continue;
    }
    auto found = Look(item.text, inventory);
    if (const auto* wrong = std::get_if<Wrong>(&found)) {
      errors.Add(item, wrong->what, wrong->hint);
      continue;
    }
    for (HostEntry& entry : std::get<std::vector<HostEntry>>(found)) {
      const bool is_new = std::ranges::count(addresses, entry.address) == 0;
      if (is_new) addresses.push_back(std::move(entry.address));
    }
  }
  return addresses;
}

std::vector<HostEntry> FindHosts(const std::string& word, const Inventory& inventory) {
  auto found = Look(word, inventory);
  if (const auto* wrong = std::get_if<Wrong>(&found)) throw Error(wrong->what, "", wrong->hint);
  return std::get<std::vector<HostEntry>>(std::move(found));
}

std::vector<HostEntry> EntriesFor(const std::vector<std::string>& addresses,
                                  const Inventory& inventory) {
  std::vector<HostEntry> entries;
  for (const std::string& address : addresses) {
    if (const HostEntry* entry = inventory.At(address)) entries.push_back(*entry);
  }
  return entries;
}

}  // namespace ddl
