// SPDX-License-Identifier: Apache-2.0
// One hosts.yaml: text in, entries out, or every error of the file at once.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "configs/inventory.h"
#include "configs/spec_keys.h"
#include "configs/spec_sections.h"
#include "configs/ssh_address.h"

namespace ddl {

namespace {

constexpr std::string_view kNameLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

bool IsHostName(std::string_view name) {
  return !name.empty() && name.front() != '-' &&
         name.find_first_not_of(kNameLetters) == std::string_view::npos;
}

std::vector<std::string> ReadWords(const SpecNode& node, std::string_view key, SpecErrors& errors) {
  std::vector<std::string> words;
  if (node.kind != SpecNode::Kind::kList) {
    errors.Add(node, fmt::format("{} must be a list", key),
               fmt::format("write {}: [ONE, TWO]", key));
    return words;
  }
  for (const SpecNode& item : node.items) {
    if (auto word = ReadText(item, fmt::format("a word of {}", key), errors)) {
      words.push_back(*std::move(word));
    }
  }
  return words;
}

std::vector<std::string> ReadLabels(const SpecNode& node, SpecErrors& errors) {
  std::vector<std::string> labels = ReadWords(node, "labels", errors);
  for (const std::string& label : labels) {
    if (IsHostName(label)) continue;
    errors.Add(node, fmt::format("label \"{}\" cannot be used", label),
               "write letters, digits, ., - and _");
  }
  return labels;
}

std::optional<int> ReadCount(const SpecNode& node, std::string_view key, SpecErrors& errors) {
  const auto value = ReadWhole(node, key, 1, errors);
  if (!value) return std::nullopt;
  return static_cast<int>(std::min<std::int64_t>(*value, std::numeric_limits<int>::max()));
}

std::vector<int> ReadIndices(const SpecNode& node, SpecErrors& errors) {
  std::vector<int> indices;
  if (node.kind != SpecNode::Kind::kList) {
    errors.Add(node, "gpus must be a list of GPU numbers", "write gpus: [0, 1]; none: gpus: []");
    return indices;
  }
  constexpr std::int64_t kMostGpus = 1024;
  for (const SpecNode& item : node.items) {
    const auto index = ReadWhole(item, "the number of a GPU", 0, errors);
    if (index) indices.push_back(static_cast<int>(std::min(*index, kMostGpus)));
  }
  return indices;
}

// `local` is this machine; any other name is, unless told otherwise, one that SSH knows.
std::string DefaultAddress(const std::string& name) {
  return name == kLocalAddress ? name : std::string(kSshScheme) + name;
}

void ReadAddress(const SpecNode& node, HostEntry& entry, SpecErrors& errors) {
  entry.address = ReadText(node, "address", errors).value_or(entry.address);
  if (entry.address == kLocalAddress && entry.name == kLocalAddress) return;
  if (entry.address == kLocalAddress || entry.name == kLocalAddress) {
    return errors.Add(node, "local is this machine, and has no other name or address",
                      "call this one local and leave its address away, or name another");
  }
  const auto parsed = ParseSshAddress(entry.address);
  const auto* bad = std::get_if<BadAddress>(&parsed);
  if (bad == nullptr) return;
  errors.Add(node, fmt::format("address {}: {}", entry.address, bad->why),
             "write ssh://[USER@]HOST[:PORT]");
}

HostEntry ReadHost(const SpecEntry& host, SpecErrors& errors) {
  HostEntry entry;
  entry.name = host.key.text;
  entry.address = DefaultAddress(entry.name);
  if (!IsHostName(entry.name)) {
    errors.Add(host.key, fmt::format("\"{}\" cannot be the name of a host", entry.name),
               "write letters, digits, ., - and _; the address goes below it: address: ssh://...");
  }
  if (host.value.kind == SpecNode::Kind::kNull) return entry;
  const auto text_of = [&](const SpecNode& n) { ReadAddress(n, entry, errors); };
  ReadKeys(
      host.value, "a host",
      {{"address", text_of},
       {"labels", [&](const SpecNode& n) { entry.labels = ReadLabels(n, errors); }},
       {"env", [&](const SpecNode& n) { entry.env = ReadEnv(n, errors); }},
       {"setup", [&](const SpecNode& n) { entry.setup = ReadWords(n, "setup", errors); }},
       {"cpus", [&](const SpecNode& n) { entry.cpus = ReadCount(n, "cpus", errors); }},
       {"gpus", [&](const SpecNode& n) { entry.gpus = ReadIndices(n, errors); }},
       {"memory",
        [&](const SpecNode& n) { entry.memory_mib = ReadMemory(n, "memory", errors).value_or(0); }},
       {"parallel", [&](const SpecNode& n) { entry.parallel = ReadCount(n, "parallel", errors); }}},
      errors);
  return entry;
}

void ReadHostMap(const SpecNode& node, std::vector<HostEntry>& hosts, SpecErrors& errors) {
  if (node.kind != SpecNode::Kind::kMap) {
    return errors.Add(node, "hosts must be a mapping",
                      "write NAME: {address: ssh://HOST} below it");
  }
  for (const SpecEntry& host : node.entries) {
    HostEntry entry = ReadHost(host, errors);
    const auto same = std::ranges::find(hosts, entry.address, &HostEntry::address);
    if (same != hosts.end()) {
      errors.Add(host.key, fmt::format("{} has the address of {}", entry.name, same->name),
                 "keep one of them: a host is known by its address");
    }
    hosts.push_back(std::move(entry));
  }
}

}  // namespace

InventoryReading ReadInventory(std::string_view yaml_text, const std::string& file_name) {
  InventoryReading reading;
  SpecErrors errors(file_name, yaml_text);
  try {
    const SpecNode root = ParseSpecText(yaml_text);
    if (root.kind != SpecNode::Kind::kNull) {  // an empty file has no hosts
      ReadKeys(
          root, kInventoryFile,
          {{"hosts", [&](const SpecNode& n) { ReadHostMap(n, reading.hosts, errors); }},
           {"failures", [&](const SpecNode& n) { reading.failures = ReadFailures(n, errors); }}},
          errors);
    }
  } catch (const SpecFault& fault) {
    errors.Add(fault);
  }
  errors.ThrowIfAny();
  return reading;
}

}  // namespace ddl
