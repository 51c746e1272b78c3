// SPDX-License-Identifier: Apache-2.0
// What was committed since the last backup, but for metrics, in a file beside the database: with
// the backup and the spools it brings back a database that is damaged, and it tells when a database
// lacks commits that it once had. Not synced: it guards against a damaged file, not a lost disk.
//
//   head: "ddljrn2\n" and the store's id; records: u32 size, u64 checksum, payload
//   payload: the commit's number, then its changes, written before the commit; or the number alone,
//   negative, when it is committed. A number that comes again replaces what had it: that was never
//   committed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "store/changes.h"

namespace ddl {

struct JournalEntry {
  std::int64_t number = 0;
  std::vector<Change> changes;
};

struct JournalText {
  std::string store_id;  // "": there is none
  std::size_t version = 0;
  std::vector<JournalEntry> entries;
  std::int64_t confirmed = 0;  // the highest commit that is known to have been done
  std::int64_t bytes = 0;      // up to the first record that is not whole
};

// Never throws for what the file holds.
[[nodiscard]] JournalText ReadJournal(const std::string& folder);

class Journal {
 public:
  // Goes on with the file of this store, or begins it.
  Journal(const std::string& folder, const std::string& store_id);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal();

  // What the disk refuses makes the journal end here until Restart: the database goes on.
  void Add(std::int64_t number, std::span<const Change> changes);
  void Confirm(std::int64_t number);
  // Everything is in a backup.
  void Restart();

 private:
  void Append(const std::string& payload);

  int fd_ = -1;
  std::string head_;
  std::int64_t end_ = 0;
  bool is_broken_ = false;
};

}  // namespace ddl
