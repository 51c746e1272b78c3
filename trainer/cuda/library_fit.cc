// SPDX-License-Identifier: Apache-2.0
#include "trainer/cuda/library_fit.h"

#include <algorithm>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <fmt/format.h>

#include "configs/error.h"
#include "configs/library_need.h"

namespace ddl {

namespace {

constexpr const char* kInstallAnother = "install one of the version that ddl was built with";

Error Unfit(std::string_view what, const std::filesystem::path& path) {
  return {what, path.string(), kInstallAnother, ErrorKind::kInfrastructure};
}

LibraryNeed NeedOf(const std::filesystem::path& path, const std::filesystem::path& gpu_library) {
  const std::string file = path.filename();
  for (LibraryNeed& need : LibraryNeedsOf(gpu_library)) {
    const bool is_it = file.starts_with(need.name) &&
                       (file.size() == need.name.size() || file[need.name.size()] == '.');
    if (is_it) return std::move(need);
  }
  throw Error("nothing here needs that library", path.string(),
              fmt::format("{} says what it needs", gpu_library.string()));
}

}  // namespace

std::int64_t FittingVersion(const std::filesystem::path& path,
                            const std::filesystem::path& gpu_library) {
  const LibraryNeed need = NeedOf(path, gpu_library);
  // Never closed: the process ends, and what a library began may not bear its going.
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    const char* why = ::dlerror();
    throw Unfit(fmt::format("it cannot be loaded: {}", why ? why : "no reason"), path);
  }
  const std::string call = VersionCallOf(need.name);
  const auto tell = reinterpret_cast<std::size_t (*)()>(::dlsym(library, call.c_str()));
  if (tell == nullptr) throw Unfit(fmt::format("it has no {}", call), path);
  const auto version = static_cast<std::int64_t>(tell());
  if (version >= need.version) return version;
  throw Unfit(fmt::format("it is {}, and {} or later is needed", LibraryVersionText(version),
                          LibraryVersionText(need.version)),
              path);
}

}  // namespace ddl
