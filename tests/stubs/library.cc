// SPDX-License-Identifier: Apache-2.0
// Stands for a library of CUDA: it tells the version that it was compiled with, and is large enough
// for its size to be seen.
#include <cstddef>

extern "C" {
extern const char ddlstubBulk[3U << 20U];
const char ddlstubBulk[3U << 20U] = {1};
std::size_t ddlstubGetVersion() {
  return STUB_VERSION;
}
}
