// SPDX-License-Identifier: Apache-2.0
// Which libraries of CUDA this one needs, and from which version on, as configs/library_need.h
// reads it from the file: the version that it was compiled with.
#include <array>
#include <cstddef>

#include <cublasLt.h>

namespace {

struct NeedText {
  std::array<char, 64> bytes{};
  std::size_t size = 0;

  constexpr void Add(const char* text) {
    while (*text != '\0') {
      bytes[size++] = *text++;
    }
  }
  constexpr void Add(int number) {
    if (number > 9) Add(number / 10);
    bytes[size++] = static_cast<char>('0' + number % 10);
  }
};

constexpr NeedText CublasLt() {
  NeedText need;
  need.Add("ddl needs libcublasLt.so.");
  need.Add(CUBLAS_VER_MAJOR);
  need.Add(" ");
  need.Add(CUBLAS_VERSION);
  need.Add(";");
  return need;
}

}  // namespace

extern "C" __attribute__((used, visibility("default"))) const std::array<char, 64> ddl_cuda_needs =
    CublasLt().bytes;
