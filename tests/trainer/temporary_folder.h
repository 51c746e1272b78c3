// SPDX-License-Identifier: Apache-2.0
// A folder that is gone after the test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

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

 private:
  std::filesystem::path path_;
};

}  // namespace ddl
