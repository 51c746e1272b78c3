// SPDX-License-Identifier: Apache-2.0
// hosts.yaml: the hosts that a project and its user have, by name and label. docs/hosts.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "configs/failure_rules.h"
#include "configs/host_entry.h"
#include "configs/spec_errors.h"
#include "configs/spec_node.h"

namespace ddl {

inline constexpr const char* kInventoryFile = "hosts.yaml";

struct Inventory {
  std::vector<HostEntry> hosts;    // the project's, then those of the user that it does not name
  std::vector<std::string> files;  // that were read, in that order
  std::vector<FailureRule> failures{};  // of all of them, in that order

  // By name, by address; nullptr: none.
  [[nodiscard]] const HostEntry* Named(std::string_view name) const;
  [[nodiscard]] const HostEntry* At(std::string_view address) const;
  // "read: a/hosts.yaml, b/hosts.yaml", or where such a file would be looked for.
  [[nodiscard]] std::string DescribeFiles() const;
};

// What one file holds.
struct InventoryReading {
  std::vector<HostEntry> hosts;
  std::vector<FailureRule> failures;
};
// Throws one Error that lists all that is wrong with the file.
[[nodiscard]] InventoryReading ReadInventory(std::string_view yaml_text,
                                             const std::string& file_name);

// The nearest hosts.yaml at or above `folder`, up to the folder that holds the store (.ddl), and
// the user's own: $XDG_CONFIG_HOME/ddl, else ~/.config/ddl. Folders above that belong to somebody
// else are not looked into: what stands in the file runs. Throws Error as ReadInventory does.
[[nodiscard]] Inventory FindInventory(const std::string& folder);

// The addresses that a spec's `hosts` names, each once: `local`, ssh://…, names, and label:L for
// all hosts with that label.
[[nodiscard]] std::vector<std::string> ReadHosts(const SpecNode& node, const Inventory& inventory,
                                                 SpecErrors& errors);
// One such word; throws Error where it names nothing.
[[nodiscard]] std::vector<HostEntry> FindHosts(const std::string& word, const Inventory& inventory);

// What the inventory says of these addresses.
[[nodiscard]] std::vector<HostEntry> EntriesFor(const std::vector<std::string>& addresses,
                                                const Inventory& inventory);

}  // namespace ddl
