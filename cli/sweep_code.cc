// SPDX-License-Identifier: Apache-2.0
#include "cli/sweep_code.h"

#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "cli/output.h"
#include "cli/trainer_files.h"
#include "configs/error.h"
#include "configs/spec_difference.h"
#include "runner/code_snapshot.h"
#include "runner/host_folder.h"
#include "store/reader.h"

namespace ddl {

namespace {

// The snapshot of the stored sweep that this request would go on with, or "".
std::string CodeBegunWith(const SweepRequest& request, const std::string& store_folder) {
  if (request.begin_new || !std::filesystem::exists(store_folder + "/ddl.db")) return {};
  try {
    const StoreReader reader = StoreReader::Open(store_folder);
    const std::optional<SweepLine> known = reader.Sweep(request.spec.name);
    if (!known) return {};
    const SweepSpec stored = SpecFromJson(ParseJson(reader.SpecJson(known->id), "stored spec"));
    const SweepSpec asked = WithExtension(stored, request.spec);
    return DifferenceOf(stored, asked).in_place ? stored.code : std::string();
  } catch (const Error&) {
    return {};  // whoever conducts the sweep says what is wrong with the store
  }
}

// Of a store that begins with this sweep.
void MakeStoreFolder(const std::string& folder) {
  std::error_code refused;  // whatever stands in the way is said by who writes there next
  if (!std::filesystem::create_directories(folder, refused)) return;
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, refused);
}

// A sweep that goes on has its trainer and its data already: what they were made of may be gone.
ListedCode FilesToTrainWith(const SweepSpec& spec, const std::string& code_folder,
                            const std::string& begun_with) {
  try {
    return TrainerFiles(spec);
  } catch (const Error& problem) {
    ListedCode kept;
    if (!begun_with.empty()) kept = FilesOfCode(code_folder, begun_with);
    if (kept.files.empty()) throw;
    PrintAside(
        fmt::format("note: {}; this sweep goes on with what it began with\n", problem.Message()));
    return kept;
  }
}

}  // namespace

void PrepareCode(SweepRequest& request, const std::string& store_folder) {
  if (!request.spec.snapshot) return;
  MakeStoreFolder(store_folder);
  const std::string begun_with = CodeBegunWith(request, store_folder);
  CodeSource source{
      request.spec.workdir, store_folder + "/code", {store_folder, DefaultHostFolder()}};
  if (request.spec.trainer) {
    ListedCode listed = FilesToTrainWith(request.spec, source.code_folder, begun_with);
    source.files = std::move(listed.files);
    source.libraries = std::move(listed.libraries);
  }
  if (begun_with.empty()) {
    const CodeSnapshot snapshot = TakeCode(source);
    for (const std::string& note : snapshot.notes) {
      PrintAside(fmt::format("note: {}\n", note));
    }
    request.spec.code = snapshot.code;
    return;
  }
  const std::optional<std::int64_t> changes = GoOnWithCode(source, begun_with);
  if (!changes) {
    throw Error("the code that this sweep began with is gone or damaged",
                source.code_folder + "/" + begun_with,
                "bring that folder back, or begin another sweep with --new");
  }
  request.spec.code = begun_with;
  if (*changes == 0) return;
  PrintAside(fmt::format(
      "note: {} file{} changed since this sweep began; it goes on with the code it began with; "
      "--new begins another\n",
      *changes, *changes == 1 ? "" : "s"));
}

}  // namespace ddl
