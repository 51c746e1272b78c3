// SPDX-License-Identifier: Apache-2.0
// A database with bytes changed, cut or added anywhere, or its write-ahead log: it opens and can be
// read, or there is an Error. A file that is refused stays as it was. Input: triples of bytes
// (page, offset, value), after a byte that says which file.
#include "configs/error.h"
#include "tests/fuzz/fuzz.h"
#include "tests/store/sample_changes.h"

namespace {

using namespace ddl;

// A store's two files, taken while it is open: most of it is in the log; and after a clean close.
struct Sample {
  std::string open_database;
  std::string open_log;
  std::string closed_database;

  Sample() {
    const MemoryFolder folder;
    const std::string database = folder.Path() + "/ddl.db";
    {
      Store store = Store::Open(folder.Path());
      Commit(store, {SampleSweep()});
      Commit(store, TrialThatRuns(1));
      Commit(store, TrialThatRuns(2));
      Commit(store, {Losses(1, 1, {0.5, 0.25})});
      Commit(store, EndedTrial(1, TrialState::kFinished));
      open_database = FileText(database);
      open_log = FileText(database + "-wal");
    }
    closed_database = FileText(database);
  }
};

void Damage(std::string& file, std::string_view triples) {
  for (int i = 0; triples.size() >= 3 && i < 64; ++i) {
    const std::uint8_t page = TakeByte(triples);
    const std::uint8_t offset = TakeByte(triples);
    const auto value = static_cast<char>(TakeByte(triples));
    // The upper half of `page` are beginnings of pages, where trees have their structure.
    const std::size_t at =
        page < 128 ? std::size_t{page} * 256 + offset : (std::size_t{page} - 128) * 4096 + offset;
    if (page == 255)
      file.resize(std::min(file.size(), std::size_t{offset} * 512));
    else if (at < file.size())
      file[at] = value;
  }
}

void ReadEverything(const std::string& folder) {
  const StoreReader reader = StoreReader::Open(folder);
  for (const SweepLine& sweep : reader.Sweeps()) {
    (void)ToString(sweep.state);
    (void)reader.SpecJson(sweep.id);
    (void)reader.Configurations(sweep.id, 10);
    (void)reader.Events(sweep.id, 10);
    for (const TrialLine& trial : reader.Trials(sweep.id, {.limit = 10})) {
      (void)ToString(trial.state);
      (void)reader.Attempts(trial.id);
      (void)reader.Summaries(trial.id);
      (void)reader.Curve(trial.id, "loss");
    }
  }
}

void OpenAndUse(const std::string& folder) {
  Store store = Store::Open(folder);
  (void)store.Given();
  for (const SweepId sweep : store.UnfinishedSweeps())
    (void)store.Load(sweep);
  Commit(store, {Losses(2, 1, {0.5})});
  ReadEverything(folder);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Sample sample;
  static const MemoryFolder folder;
  const std::string path = folder.Path() + "/ddl.db";
  std::string_view rest = AsText(bytes, size);
  const std::uint8_t which = TakeByte(rest);
  std::filesystem::remove(path + "-shm");
  std::filesystem::remove(path + "-wal");
  std::string database = which % 3 == 0 ? sample.closed_database : sample.open_database;
  std::string log = which % 3 == 0 ? "" : sample.open_log;
  if (which % 3 == 1)
    Damage(log, rest);
  else
    Damage(database, rest);
  WriteText(path, database);
  if (!log.empty()) WriteText(path + "-wal", log);
  bool is_open = false;
  try {
    is_open = (static_cast<void>(Store::Open(folder.Path())), true);
    OpenAndUse(folder.Path());
  } catch (const Error&) {
    if (!is_open && log.empty())
      Promise(FileText(path) == database, "what is refused is not changed");
  }
  return 0;
}
