// SPDX-License-Identifier: Apache-2.0
// cuBLASLt is column-major: a row-major matrix is its transpose there, so out = a b is asked for as
// out' = b' a'.
#include <algorithm>
#include <utility>

#include "trainer/cuda/launch.h"

namespace ddl {

namespace {

// Lanes for which algorithms are asked for, whatever the number that runs, and those that an
// algorithm has to serve to be taken.
constexpr std::uint32_t kPinnedLanes = 16;
constexpr std::uint32_t kServedLanes[] = {1, 2, 16, 64, 128};
constexpr int kCandidates = 16;
// Offsets in a lane are multiples of a cache line.
constexpr std::uint32_t kAlignment = 64;

cublasComputeType_t ComputeType(ProductPrecision precision) {
  return precision == ProductPrecision::kTensorFloat32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                       : CUBLAS_COMPUTE_32F;
}

std::string Said(const char* what, cublasStatus_t status) {
  return std::string(what) + ": " + cublasLtGetStatusString(status);
}

std::string ShapeOf(const LaneProduct& product) {
  return std::to_string(product.rows) + " x " + std::to_string(product.inner) + " x " +
         std::to_string(product.cols);
}

}  // namespace

PinnedProduct::Layout PinnedProduct::MakeLayout(const ProductFactor& factor, std::size_t rows,
                                                std::size_t cols, const LaneCopies& copies) {
  // As it is stored: [rows, cols] of the product, or the other way round.
  const std::size_t stored_rows = factor.is_transposed ? cols : rows;
  const std::size_t stored_cols = factor.is_transposed ? rows : cols;
  cublasLtMatrixLayout_t layout = nullptr;
  if (cublasLtMatrixLayoutCreate(&layout, copies.type, stored_cols, stored_rows,
                                 static_cast<std::int64_t>(factor.stride)) !=
      CUBLAS_STATUS_SUCCESS) {
    return nullptr;
  }
  Layout owned(layout);
  const auto count = static_cast<std::int32_t>(copies.lanes);
  const auto apart = static_cast<std::int64_t>(copies.apart);
  const bool is_set =
      cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count,
                                       sizeof count) == CUBLAS_STATUS_SUCCESS &&
      cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &apart,
                                       sizeof apart) == CUBLAS_STATUS_SUCCESS;
  return is_set ? std::move(owned) : nullptr;
}

PinnedProduct::Layouts PinnedProduct::MakeLayouts(const LaneProduct& product, std::uint32_t lanes) {
  const std::size_t apart = product.arena.lane_floats;
  const LaneCopies whole{.type = CUDA_R_32F, .apart = apart, .lanes = lanes};
  const LaneCopies half{.type = CUDA_R_16BF, .apart = 2 * apart, .lanes = lanes};
  const auto copies = [&](const ProductFactor& factor) {
    return factor.is_bfloat16 ? half : whole;
  };
  return {.a = MakeLayout(product.a, product.rows, product.inner, copies(product.a)),
          .b = MakeLayout(product.b, product.inner, product.cols, copies(product.b)),
          .out = MakeLayout(product.out, product.rows, product.cols, copies(product.out))};
}

std::string PinnedProduct::Prepare(cublasLtHandle_t library, const LaneProduct& product,
                                   std::uint32_t lanes, const ProductWorkspace& workspace) {
  product_ = product;
  lanes_ = lanes;
  workspace_ = workspace;
  cublasLtMatmulDesc_t description = nullptr;
  cublasStatus_t status =
      cublasLtMatmulDescCreate(&description, ComputeType(product.precision), CUDA_R_32F);
  if (status != CUBLAS_STATUS_SUCCESS) return Said("a product's description", status);
  description_.reset(description);
  const auto set = [&](cublasLtMatmulDescAttributes_t attribute, bool is_transposed) {
    const cublasOperation_t form = is_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    return cublasLtMatmulDescSetAttribute(description, attribute, &form, sizeof form);
  };
  status = set(CUBLASLT_MATMUL_DESC_TRANSA, product.b.is_transposed);
  if (status != CUBLAS_STATUS_SUCCESS) return Said("a product's first factor", status);
  status = set(CUBLASLT_MATMUL_DESC_TRANSB, product.a.is_transposed);
  if (status != CUBLAS_STATUS_SUCCESS) return Said("a product's second factor", status);
  layouts_ = MakeLayouts(product, lanes);
  if (!layouts_.IsWhole()) return "a product's matrices are refused";
  if (product.bias == kNoTensor) {
    const std::string problem = Choose(library);
    return problem.empty() ? Check(library) : problem;
  }
  if (SetBias(true) == CUBLAS_STATUS_SUCCESS && Choose(library).empty() && serves_all_) {
    return Check(library);
  }
  adds_bias_after_ = true;
  status = SetBias(false);
  if (status != CUBLAS_STATUS_SUCCESS) return Said("a product's bias", status);
  const std::string problem = Choose(library);
  return problem.empty() ? Check(library) : problem;
}

// It is of the result's type.
cublasStatus_t PinnedProduct::SetBias(bool is_part) {
  const auto set = [this](cublasLtMatmulDescAttributes_t attribute, const auto& value) {
    return cublasLtMatmulDescSetAttribute(description_.get(), attribute, &value, sizeof value);
  };
  const cublasLtEpilogue_t end = is_part ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
  const bool is_bfloat16 = product_.out.is_bfloat16;
  const std::size_t offset = is_bfloat16 ? product_.rounded_bias : product_.bias;
  const float* bias = is_part ? product_.arena.At(0, offset) : nullptr;
  const auto apart =
      static_cast<std::int64_t>(is_part ? product_.arena.lane_floats * (is_bfloat16 ? 2 : 1) : 0);
  cublasStatus_t status = set(CUBLASLT_MATMUL_DESC_EPILOGUE, end);
  if (status == CUBLAS_STATUS_SUCCESS) status = set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
  if (status == CUBLAS_STATUS_SUCCESS) status = set(CUBLASLT_MATMUL_DESC_BIAS_BATCH_STRIDE, apart);
  return status;
}

// The heuristic's best answer for kPinnedLanes lanes that serves few and many as well, whatever the
// real number; its first where none does.
std::string PinnedProduct::Choose(cublasLtHandle_t library) {
  cublasLtMatmulPreference_t created = nullptr;
  cublasStatus_t status = cublasLtMatmulPreferenceCreate(&created);
  if (status != CUBLAS_STATUS_SUCCESS) return Said("a product's preference", status);
  const Preference preference(created);
  const std::uint32_t no_sums = CUBLASLT_REDUCTION_SCHEME_NONE;
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
    if (status != CUBLAS_STATUS_SUCCESS) return;
    status = cublasLtMatmulPreferenceSetAttribute(created, attribute, &value, sizeof value);
  };
  prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, no_sums);
  prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{workspace_.bytes});
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, kAlignment);
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, kAlignment);
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, kAlignment);
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, kAlignment);
  if (status != CUBLAS_STATUS_SUCCESS) return Said("a product's preferences", status);
  const Layouts pinned = MakeLayouts(product_, kPinnedLanes);
  if (!pinned.IsWhole()) return "a product's matrices are refused";
  cublasLtMatmulHeuristicResult_t results[kCandidates]{};
  int found = 0;
  status = cublasLtMatmulAlgoGetHeuristic(library, description_.get(), pinned.b.get(),
                                          pinned.a.get(), pinned.out.get(), pinned.out.get(),
                                          created, kCandidates, results, &found);
  if (status != CUBLAS_STATUS_SUCCESS || found == 0) {
    return Said(("no algorithm for a product of " + ShapeOf(product_)).c_str(), status);
  }
  const cublasLtMatmulHeuristicResult_t* const first = results;
  const auto* const end = first + found;
  const auto* const best = std::find_if(first, end, [&](const auto& result) {
    return result.state == CUBLAS_STATUS_SUCCESS && ServesAll(library, result.algo);
  });
  serves_all_ = best != end;
  algorithm_ = serves_all_ ? best->algo : first->algo;
  return {};
}

cublasStatus_t PinnedProduct::Serves(cublasLtHandle_t library,
                                     const cublasLtMatmulAlgo_t& algorithm,
                                     const Layouts& layouts) const {
  cublasLtMatmulHeuristicResult_t result{};
  const cublasStatus_t status =
      cublasLtMatmulAlgoCheck(library, description_.get(), layouts.b.get(), layouts.a.get(),
                              layouts.out.get(), layouts.out.get(), &algorithm, &result);
  const bool is_too_large = result.workspaceSize > workspace_.bytes;
  return status == CUBLAS_STATUS_SUCCESS && is_too_large ? CUBLAS_STATUS_NOT_SUPPORTED : status;
}

bool PinnedProduct::ServesAll(cublasLtHandle_t library,
                              const cublasLtMatmulAlgo_t& algorithm) const {
  for (const std::uint32_t lanes : kServedLanes) {
    const Layouts layouts = MakeLayouts(product_, lanes);
    if (!layouts.IsWhole()) return false;
    if (Serves(library, algorithm, layouts) != CUBLAS_STATUS_SUCCESS) return false;
  }
  return true;
}

// It has to serve the real number, as another would give a lane other bits in other company.
std::string PinnedProduct::Check(cublasLtHandle_t library) const {
  const cublasStatus_t status = Serves(library, algorithm_, layouts_);
  if (status == CUBLAS_STATUS_SUCCESS) return {};
  return Said(("the algorithm for a product of " + ShapeOf(product_) +
               " does not serve this number of lanes")
                  .c_str(),
              status);
}

cublasStatus_t PinnedProduct::Launch(cublasLtHandle_t library, cudaStream_t stream) const {
  const float one = 1.0F;
  const float zero = 0.0F;
  float* out = product_.arena.At(0, product_.out.offset);
  const cublasStatus_t status = cublasLtMatmul(
      library, description_.get(), &one, product_.arena.At(0, product_.b.offset), layouts_.b.get(),
      product_.arena.At(0, product_.a.offset), layouts_.a.get(), &zero, out, layouts_.out.get(),
      out, layouts_.out.get(), &algorithm_, workspace_.at, workspace_.bytes, stream);
  if (status != CUBLAS_STATUS_SUCCESS || !adds_bias_after_) return status;
  return LaunchBias(product_, lanes_, stream) == cudaSuccess ? status
                                                             : CUBLAS_STATUS_EXECUTION_FAILED;
}

}  // namespace ddl
