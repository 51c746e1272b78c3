// SPDX-License-Identifier: Apache-2.0
#include "runner/library_question.h"

#include <filesystem>
#include <system_error>

#include "configs/error.h"
#include "configs/json.h"
#include "runner/code_manifest.h"
#include "runner/code_tree.h"
#include "runner/file.h"
#include "runner/host_libraries.h"

namespace ddl {

namespace {

namespace fs = std::filesystem;

// In whole snapshots of any store; a link there leads to the host's own.
std::vector<FoundLibrary> SentBefore(const std::string& name, const std::string& host_folder) {
  std::vector<FoundLibrary> sent;
  for (const std::string& store : ListFolder(host_folder)) {
    const std::string code_folder = host_folder + "/" + store + "/code";
    for (const std::string& code : ListFolder(code_folder)) {
      if (!IsCodeName(code)) continue;
      const std::string path = CodeTree::FolderOfTree(code_folder, code) + "/lib/" + name;
      std::error_code ignored;
      const bool is_file = fs::symlink_status(path, ignored).type() == fs::file_type::regular;
      if (is_file) sent.push_back({name, path, path, true});
    }
  }
  return sent;
}

template <class Read>
auto Reading(std::string_view text, const char* what, const Read& read) {
  try {
    return read(ParseJson(text, what));
  } catch (const Json::exception& problem) {
    throw Error(problem.what(), what, "", ErrorKind::kInfrastructure);
  }
}

}  // namespace

std::vector<FoundLibrary> FindLibraries(const LibraryQuestion& question,
                                        const std::string& host_folder) {
  std::vector<FoundLibrary> found;
  for (const std::string& name : question.names) {
    for (const std::string& path : FindHostLibrary(name, question.folders)) {
      std::error_code ignored;
      found.push_back({name, path, fs::canonical(path, ignored).string(), false});
    }
    for (FoundLibrary& sent : SentBefore(name, host_folder)) {
      found.push_back(std::move(sent));
    }
  }
  return found;
}

std::string ToJsonText(const LibraryQuestion& question) {
  return DumpJson({{"libraries", question.names}, {"folders", question.folders}});
}

LibraryQuestion LibraryQuestionFromJson(std::string_view text) {
  return Reading(text, "a question about libraries", [](const Json& json) {
    return LibraryQuestion{json.at("libraries").get<std::vector<std::string>>(),
                           json.at("folders").get<std::vector<std::string>>()};
  });
}

std::string ToJsonText(const std::vector<FoundLibrary>& libraries) {
  Json list = Json::array();
  for (const FoundLibrary& library : libraries) {
    list.push_back({{"name", library.name},
                    {"path", library.path},
                    {"file", library.file},
                    {"sent", library.is_sent}});
  }
  return DumpJson(list);
}

std::vector<FoundLibrary> FoundLibrariesFromJson(std::string_view text) {
  return Reading(text, "a host's libraries", [](const Json& json) {
    std::vector<FoundLibrary> libraries;
    for (const Json& one : json) {
      libraries.push_back({one.at("name").get<std::string>(), one.at("path").get<std::string>(),
                           one.at("file").get<std::string>(), one.at("sent").get<bool>()});
    }
    return libraries;
  });
}

}  // namespace ddl
