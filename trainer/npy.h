// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy files, versions 1.0 to 3.0, little-endian, C order.
// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <memory>
#include <string>

#include "trainer/element_stream.h"

namespace ddl {

// |u1, |b1, <f4, <f8, <i4 or <i8. Throws Error with the file for a header that cannot be read, and
// for a size other than it says.
[[nodiscard]] std::unique_ptr<ElementStream> OpenNpy(const std::string& path);

}  // namespace ddl
