// SPDX-License-Identifier: Apache-2.0
// The library for GPUs, and why what needs a GPU is skipped.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "trainer/cuda/cuda_library.h"

namespace ddl {

// DDL_CUDA_LIBRARY names another, say the loops of tests/libddl_cuda_host.so, on which the same tests
// show, slowly, that they ask for nothing that cannot be.
inline const std::filesystem::path& BuiltCudaLibrary() {
  static const std::filesystem::path path = [] {
    const char* other = std::getenv("DDL_CUDA_LIBRARY");
    return other != nullptr ? std::filesystem::path(other)
                            : std::filesystem::path(DDL_BINARY_DIR) / "libddl_cuda.so";
  }();
  return path;
}

// What is missing, where something is.
inline std::string ReasonFor(const std::filesystem::path& path) {
  try {
    (void)CudaLibrary(path).Devices();
  } catch (const Error& error) {
    EXPECT_EQ(error.Kind(), ErrorKind::kInfrastructure);
    EXPECT_FALSE(error.Hint().empty());
    return error.Message();
  }
  return "";
}

// A reason to skip what needs a GPU; with DDL_NEEDS_GPU there is none.
inline std::string WhyNoGpu() {
  const std::string reason = ReasonFor(BuiltCudaLibrary());
  if (std::getenv("DDL_NEEDS_GPU") == nullptr) return reason;
  EXPECT_EQ(reason, "") << "DDL_NEEDS_GPU is set";
  return "";
}

}  // namespace ddl
