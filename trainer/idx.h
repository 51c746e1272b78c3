// SPDX-License-Identifier: Apache-2.0
// IDX files, the format of MNIST and its kin: plain or gzip. The only door to zlib's inflate.
#pragma once

#include <memory>
#include <string>

#include "trainer/element_stream.h"

namespace ddl {

// Unsigned bytes, 32-bit integers or 32-bit floats. Throws Error with the file and the byte for a
// wrong magic, a truncated or corrupt file.
[[nodiscard]] std::unique_ptr<ElementStream> OpenIdx(const std::string& path);

}  // namespace ddl
