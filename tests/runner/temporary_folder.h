// SPDX-License-Identifier: Apache-2.0
// A folder of a test's own, gone with all that is in it when the test ends.
#pragma once

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "runner/file.h"

namespace ddl {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    if (::mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
  }
  ~TemporaryFolder() { RemoveTree(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::string& Path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_ = ::testing::TempDir() + "ddl-test-XXXXXX";
};

}  // namespace ddl
