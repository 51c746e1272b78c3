// SPDX-License-Identifier: Apache-2.0
// Whether this is a sanitizer's build, where everything costs ten times as much.
#pragma once

namespace ddl {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

// So many of what is done again and again at different places: a quarter of them there, which takes
// the same ways through the code.
constexpr int Repeated(int times) {
  return kIsSanitized ? (times + 3) / 4 : times;
}

}  // namespace ddl
