// SPDX-License-Identifier: Apache-2.0
// Stands for libddl_cuda where there is no toolkit: needs a stub from version 13.1.0 on.
#include <cstddef>
#include <cstdlib>

extern "C" {
std::size_t ddlstubGetVersion();
extern const char ddl_cuda_needs[40];
const char ddl_cuda_needs[40] = "ddl needs libddlstub.so.13 130100;";
std::size_t StubInUse() {
  return std::getenv("PATH") == nullptr ? 0 : ddlstubGetVersion();
}
}
