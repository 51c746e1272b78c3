// SPDX-License-Identifier: Apache-2.0
// The real binary with one host behind a real sshd, which it knows as ssh://test-host. BASE is
// RealDdl or what a test has made of it. Skips where there is no sshd.
#pragma once

#include <cstdlib>
#include <string>

#include "tests/cli/real_ddl.h"
#include "tests/runner/test_sshd.h"

namespace ddl {

template <class Base>
class OverSsh : public Base {
 protected:
  // Further lines of sshd's configuration.
  explicit OverSsh(const std::string& options = {}) : sshd_(options) {}
  void SetUp() override {
    if (!sshd_.WhyNot().empty()) GTEST_SKIP() << sshd_.WhyNot();
    Base::SetUp();
    sshd_.Trust();
    (void)sshd_.Home();
    ::setenv("DDL_SSH_CONFIG", sshd_.Path("config").c_str(), 1);
  }
  void TearDown() override {
    if (!this->folder_.empty()) Base::TearDown();
  }

  TestSshd sshd_;
};

}  // namespace ddl
