// SPDX-License-Identifier: Apache-2.0
// The calls of cuBLASLt that libddl_cuda makes, for the emulated GPU: products of column-major
// matrices in loops, of factors that are rounded as tensor cores round them. With
// DDL_EMULATOR_REFUSES_BIAS no algorithm adds a bias.
#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <cublasLt.h>

#include "tests/emulator/gpu.h"
#include "tests/emulator/matrices.h"

namespace ddl::emulator {

namespace {

struct Description {
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
  cublasOperation_t form_a = CUBLAS_OP_N;
  cublasOperation_t form_b = CUBLAS_OP_N;
  cublasLtEpilogue_t end = CUBLASLT_EPILOGUE_DEFAULT;
  const void* bias = nullptr;
  std::int64_t bias_apart = 0;
};

struct Layout {
  cudaDataType type = CUDA_R_32F;
  std::uint64_t rows = 0;
  std::uint64_t cols = 0;
  std::int64_t stride = 0;
  std::int32_t count = 1;
  std::int64_t apart = 0;

  [[nodiscard]] std::uint64_t Elements() const {
    return static_cast<std::uint64_t>((count - 1) * apart +
                                      static_cast<std::int64_t>(cols - 1) * stride) +
           rows;
  }
  [[nodiscard]] std::uint64_t Bytes() const { return Elements() * (type == CUDA_R_16BF ? 2 : 4); }
};

// What lies where, of one matrix of a batch.
struct Matrix {
  const void* at;
  const Layout& layout;
  std::int64_t batch;

  [[nodiscard]] float Get(std::uint64_t row, std::uint64_t col, bool is_transposed) const {
    const auto place = static_cast<std::uint64_t>(
        batch * layout.apart +
        static_cast<std::int64_t>(is_transposed ? row : col) * layout.stride +
        static_cast<std::int64_t>(is_transposed ? col : row));
    if (layout.type == CUDA_R_32F) return static_cast<const float*>(at)[place];
    return std::bit_cast<float>(std::uint32_t{static_cast<const std::uint16_t*>(at)[place]} << 16U);
  }
};

float Rounded(float factor, cublasComputeType_t compute) {
  if (compute != CUBLAS_COMPUTE_32F_FAST_TF32) return factor;
  return std::bit_cast<float>(RoundedToTensorFloat(std::bit_cast<std::uint32_t>(factor)));
}

float BiasOf(const Description& description, const Layout& out, std::int64_t batch,
             std::uint64_t row) {
  if (description.end != CUBLASLT_EPILOGUE_BIAS) return 0.0F;
  const std::int64_t place = batch * description.bias_apart + static_cast<std::int64_t>(row);
  if (out.type == CUDA_R_32F) return static_cast<const float*>(description.bias)[place];
  return std::bit_cast<float>(
      std::uint32_t{static_cast<const std::uint16_t*>(description.bias)[place]} << 16U);
}

void Multiply(const Description& description, const void* a, const Layout& layout_a, const void* b,
              const Layout& layout_b, void* out, const Layout& layout_out) {
  const bool is_a_transposed = description.form_a == CUBLAS_OP_T;
  const bool is_b_transposed = description.form_b == CUBLAS_OP_T;
  const std::uint64_t inner = is_a_transposed ? layout_a.rows : layout_a.cols;
  for (std::int64_t batch = 0; batch < layout_out.count; ++batch) {
    const Matrix one{a, layout_a, batch};
    const Matrix other{b, layout_b, batch};
    for (std::uint64_t col = 0; col < layout_out.cols; ++col) {
      for (std::uint64_t row = 0; row < layout_out.rows; ++row) {
        double sum = 0.0;
        for (std::uint64_t k = 0; k < inner; ++k) {
          sum +=
              static_cast<double>(Rounded(one.Get(row, k, is_a_transposed), description.compute)) *
              static_cast<double>(Rounded(other.Get(k, col, is_b_transposed), description.compute));
        }
        const float value = static_cast<float>(sum) + BiasOf(description, layout_out, batch, row);
        const std::int64_t place = batch * layout_out.apart +
                                   static_cast<std::int64_t>(col) * layout_out.stride +
                                   static_cast<std::int64_t>(row);
        if (layout_out.type == CUDA_R_32F) {
          static_cast<float*>(out)[place] = value;
        } else {
          static_cast<std::uint16_t*>(out)[place] = RoundedToBfloat16(value);
        }
      }
    }
  }
}

template <class Own, class Handle>
Own& As(Handle handle) {
  return *reinterpret_cast<Own*>(handle);
}

template <class Value>
cublasStatus_t Set(Value& value, const void* from, std::size_t bytes) {
  if (bytes != sizeof value) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&value, from, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

// Shapes that do not go together are refused, as cuBLASLt refuses them.
bool Fit(const Description& description, const Layout& a, const Layout& b, const Layout& out) {
  const bool is_a_transposed = description.form_a == CUBLAS_OP_T;
  const bool is_b_transposed = description.form_b == CUBLAS_OP_T;
  return (is_a_transposed ? a.cols : a.rows) == out.rows &&
         (is_b_transposed ? b.rows : b.cols) == out.cols &&
         (is_a_transposed ? a.rows : a.cols) == (is_b_transposed ? b.cols : b.rows) &&
         a.count == out.count && b.count == out.count && a.type == b.type &&
         static_cast<std::uint64_t>(a.stride) >= a.rows &&
         static_cast<std::uint64_t>(b.stride) >= b.rows &&
         static_cast<std::uint64_t>(out.stride) >= out.rows;
}

// Algorithms of any product, that differ in what they serve: the first one, which the heuristic
// likes best, only so many copies.
constexpr int kAlgorithms = 2;
constexpr std::int32_t kServedByTheFirst = 16;

bool Serves(const cublasLtMatmulAlgo_t& algorithm, const Layout& out) {
  return algorithm.data[0] > 0 || out.count == kServedByTheFirst;
}

}  // namespace

}  // namespace ddl::emulator

using namespace ddl::emulator;

extern "C" {

size_t cublasLtGetVersion() {
  return CUBLAS_VERSION;
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = reinterpret_cast<cublasLtHandle_t>(&Gpu::Get());
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t /*handle*/) {
  return CUBLAS_STATUS_SUCCESS;
}

const char* cublasLtGetStatusString(cublasStatus_t status) {
  return status == CUBLAS_STATUS_SUCCESS ? "no error" : "refused by the emulated cuBLASLt";
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* made, cublasComputeType_t compute,
                                        cudaDataType_t /*scale*/) {
  *made = reinterpret_cast<cublasLtMatmulDesc_t>(new Description{.compute = compute});
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t description) {
  delete &As<Description>(description);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t handle,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void* from, size_t bytes) {
  auto& description = As<Description>(handle);
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return Set(description.form_a, from, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return Set(description.form_b, from, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return Set(description.end, from, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return Set(description.bias, from, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_BATCH_STRIDE:
      return Set(description.bias_apart, from, bytes);
    default:
      return CUBLAS_STATUS_NOT_SUPPORTED;
  }
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* made, cudaDataType type,
                                          uint64_t rows, uint64_t cols, int64_t stride) {
  *made = reinterpret_cast<cublasLtMatrixLayout_t>(
      new Layout{.type = type, .rows = rows, .cols = cols, .stride = stride});
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete &As<Layout>(layout);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t attribute,
                                                const void* from, size_t bytes) {
  if (attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT) {
    return Set(As<Layout>(layout).count, from, bytes);
  }
  if (attribute == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET) {
    return Set(As<Layout>(layout).apart, from, bytes);
  }
  return CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* made) {
  *made = new cublasLtMatmulPreferenceOpaque_t{};
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete preference;
  return CUBLAS_STATUS_SUCCESS;
}

// All of them are met, by each algorithm.
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(
    cublasLtMatmulPreference_t /*preference*/, cublasLtMatmulPreferenceAttributes_t /*attribute*/,
    const void* /*from*/, size_t /*bytes*/) {
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(
    cublasLtHandle_t /*handle*/, cublasLtMatmulDesc_t description, cublasLtMatrixLayout_t a,
    cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t /*c*/, cublasLtMatrixLayout_t out,
    cublasLtMatmulPreference_t /*preference*/, int most, cublasLtMatmulHeuristicResult_t results[],
    int* found) {
  const auto& wanted = As<Description>(description);
  *found = 0;
  if (!Fit(wanted, As<Layout>(a), As<Layout>(b), As<Layout>(out))) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const bool has_bias = wanted.end == CUBLASLT_EPILOGUE_BIAS;
  if (has_bias && std::getenv("DDL_EMULATOR_REFUSES_BIAS") != nullptr) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  while (*found < std::min<int>(most, kAlgorithms)) {
    results[*found] = {};
    results[*found].algo.data[0] = static_cast<std::uint64_t>(*found);
    ++*found;
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t /*handle*/,
                                       cublasLtMatmulDesc_t description, cublasLtMatrixLayout_t a,
                                       cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t /*c*/,
                                       cublasLtMatrixLayout_t out,
                                       const cublasLtMatmulAlgo_t* algorithm,
                                       cublasLtMatmulHeuristicResult_t* result) {
  *result = {};
  if (!Serves(*algorithm, As<Layout>(out))) return CUBLAS_STATUS_NOT_SUPPORTED;
  return Fit(As<Description>(description), As<Layout>(a), As<Layout>(b), As<Layout>(out))
             ? CUBLAS_STATUS_SUCCESS
             : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t /*handle*/, cublasLtMatmulDesc_t description,
                              const void* alpha, const void* a, cublasLtMatrixLayout_t layout_a,
                              const void* b, cublasLtMatrixLayout_t layout_b, const void* beta,
                              const void* /*c*/, cublasLtMatrixLayout_t /*layout_c*/, void* out,
                              cublasLtMatrixLayout_t layout_out,
                              const cublasLtMatmulAlgo_t* algorithm, void* /*workspace*/,
                              size_t /*workspace_bytes*/, cudaStream_t stream) {
  Gpu& gpu = Gpu::Get();
  const std::lock_guard guard(gpu.doors);
  const Layout one = As<Layout>(layout_a);
  const Layout other = As<Layout>(layout_b);
  const Layout result = As<Layout>(layout_out);
  const Description form = As<Description>(description);
  const bool is_plain =
      *static_cast<const float*>(alpha) == 1.0F && *static_cast<const float*>(beta) == 0.0F;
  if (!is_plain || !Fit(form, one, other, result)) return CUBLAS_STATUS_INVALID_VALUE;
  if (!Serves(*algorithm, result)) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (!gpu.memory.Holds(a, one.Bytes()) || !gpu.memory.Holds(b, other.Bytes()) ||
      !gpu.memory.Holds(out, result.Bytes())) {
    (void)gpu.Fault(cudaErrorIllegalAddress, "a product's matrices lie outside of the memory");
    return CUBLAS_STATUS_EXECUTION_FAILED;
  }
  const cudaError_t status = gpu.Enqueue(stream, [=] {
    Multiply(form, a, one, b, other, out, result);
    return cudaSuccess;
  });
  return status == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

}  // extern "C"
