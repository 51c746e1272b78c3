// SPDX-License-Identifier: Apache-2.0
// Any text as hosts.yaml: refused in a moment, or entries that read back from their JSON, with an
// address each that is found by it, and by their names.
#include <ctime>

#include "configs/error.h"
#include "configs/inventory.h"
#include "tests/fuzz/fuzz.h"

namespace {

double CpuSecondsNow() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace ddl;
  const double begin = CpuSecondsNow();
  Inventory inventory;
  try {
    InventoryReading reading = ReadInventory(AsText(bytes, size), "hosts.yaml");
    inventory.hosts = std::move(reading.hosts);
    inventory.failures = std::move(reading.failures);
  } catch (const Error& refusal) {
    Promise(!refusal.Message().empty(), "a refusal says what is wrong");
  }
  // Sanitizers take some ten times as long.
  Promise(CpuSecondsNow() - begin < 0.5, "any hosts.yaml is read or refused in a moment");
  for (const HostEntry& entry : inventory.hosts) {
    Promise(!entry.name.empty() && !entry.address.empty(), "a host has a name and an address");
    Promise(HostEntryFromJson(ToJson(entry)) == entry, "an entry reads back from its JSON");
    Promise(inventory.Named(entry.name) != nullptr, "a host is found by its name");
    Promise(inventory.At(entry.address) != nullptr, "a host is found by its address");
    Promise(!FindHosts(entry.name, inventory).empty(), "a name that is there names a host");
  }
  for (const FailureRule& rule : inventory.failures)
    Promise(FailureRuleFromJson(ToJson(rule)) == rule, "a rule reads back from its JSON");
  return 0;
}
