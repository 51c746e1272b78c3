// SPDX-License-Identifier: Apache-2.0
#include "store/copy.h"

#include <filesystem>

#include <unistd.h>

#include "configs/error.h"
#include "store/durable.h"
#include "store/schema.h"
#include "store/store.h"

namespace ddl {

namespace {

// Jobs that are given out after the copy was made must not be given out again by who restores it.
void MarkAsCopy(const std::string& path) {
  const Connection copy(path, OpenAs::kWriter);
  copy.Execute("PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF");
  if (copy.Number("PRAGMA user_version") < kSchemaVersion) return;
  const auto epoch = static_cast<std::uint64_t>(copy.Number("SELECT epoch FROM store"));
  Statement mark(copy, "UPDATE store SET jobs_from = max(jobs_from, ?)");
  mark.Bind(FirstJobOf(epoch + 1)).Run();
}

void Verify(const std::string& path) {
  const Connection copy(path, OpenAs::kReader);
  Statement check(copy, "PRAGMA quick_check(1)");
  if (check.Step() && check.Text(0) == "ok") return;
  throw Error("the backup does not verify", path, "check the disk; ddl store check tells more",
              ErrorKind::kInfrastructure);
}

}  // namespace

void CopyDatabase(const Connection& connection, const std::string& target) {
  const std::string aside = target + ".part";
  std::filesystem::remove(aside);
  try {
    Statement copy(connection, "VACUUM INTO ?");
    copy.Bind(aside).Run();
    MarkAsCopy(aside);
    Verify(aside);
    KeepAs(aside, target);  // VACUUM INTO does not sync
  } catch (const Error&) {
    std::error_code gone;
    std::filesystem::remove(aside, gone);  // it may have taken the disk's last room
    throw;
  }
}

void CopyStore(const std::string& folder, const std::string& target) {
  const std::string path = folder + "/ddl.db";
  if (::access(path.c_str(), F_OK) != 0) {
    throw Error("there is no store here yet", folder,
                "start with ddl sweep SPEC.yaml, or name a store by --store or DDL_HOME");
  }
  const Connection connection(path, OpenAs::kReader);
  CheckSchema(connection, path);
  CopyDatabase(connection, target);
}

}  // namespace ddl
