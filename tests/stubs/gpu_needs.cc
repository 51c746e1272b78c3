// SPDX-License-Identifier: Apache-2.0
// What the libddl_cuda of loops needs of CUDA, when it is linked to a stub: version 13.1.0.
#include <cstddef>

extern "C" {
std::size_t ddlstubGetVersion();
extern const char ddl_cuda_needs[40];
const char ddl_cuda_needs[40] = "ddl needs libddlstub.so.13 130100;";
std::size_t StubInUse() {
  return ddlstubGetVersion();
}
}
