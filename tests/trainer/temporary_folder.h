// SPDX-License-Identifier: Apache-2.0
// A folder that is gone after the test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "configs/error.h"

namespace ddl {

class TrainerFolder {
 public:
  TrainerFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "ddl_trainer_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
  }
  TrainerFolder(const TrainerFolder&) = delete;
  TrainerFolder& operator=(const TrainerFolder&) = delete;
  ~TrainerFolder() { std::filesystem::remove_all(path_); }

  [[nodiscard]] const std::filesystem::path& Path() const { return path_; }

  // The whole message of the Error that `load` throws, with this folder's name taken out.
  template <class Load>
  [[nodiscard]] std::string RefusalOf(const Load& load) const {
    try {
      load();
    } catch (const Error& error) {
      std::string text = error.what();
      const std::string folder = path_.string() + "/";
      for (std::size_t at = 0; (at = text.find(folder)) != std::string::npos;)
        text.erase(at, folder.size());
      return text;
    }
    return "accepted";
  }

 private:
  std::filesystem::path path_;
};

}  // namespace ddl
