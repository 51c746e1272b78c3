// SPDX-License-Identifier: Apache-2.0
// Within libddl_cuda: kernels by the kind of their operation, and products with pinned algorithms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include <cublasLt.h>
#include <cuda_runtime.h>

#include "trainer/cuda/interface.h"
#include "trainer/cuda/operation.h"

namespace ddl {

inline constexpr std::size_t kOperationKinds = std::variant_size_v<Operation>;

// Of a kind and size that this library was compiled for.
[[nodiscard]] bool IsKnown(const CudaOperation& operation);
[[nodiscard]] bool IsProduct(const CudaOperation& operation);

// Of known operations that are no products.
[[nodiscard]] cudaError_t LaunchKernel(const CudaOperation& operation, std::uint32_t lanes,
                                       cudaStream_t stream);

// out += bias, of each row of a product.
[[nodiscard]] cudaError_t LaunchBias(const LaneProduct& product, std::uint32_t lanes,
                                     cudaStream_t stream);

// What a product may use beside its matrices; a step's products share it, one after the other.
struct ProductWorkspace {
  void* at = nullptr;
  std::size_t bytes = 0;
};

// A strided batched product with its descriptors and its algorithm, chosen once. The choice does
// not look at the number of lanes, and never splits the inner dimension among sums whose order
// is not fixed: a lane computes the same bits in whatever company it runs.
class PinnedProduct {
 public:
  // An empty text where all went well.
  [[nodiscard]] std::string Prepare(cublasLtHandle_t library, const LaneProduct& product,
                                    std::uint32_t lanes, const ProductWorkspace& workspace);
  [[nodiscard]] cublasStatus_t Launch(cublasLtHandle_t library, cudaStream_t stream) const;

 private:
  template <class Handle, cublasStatus_t (*kDestroy)(Handle)>
  struct Destroy {
    using pointer = Handle;
    void operator()(Handle handle) const { (void)kDestroy(handle); }
  };
  template <class Handle, cublasStatus_t (*kDestroy)(Handle)>
  using Owned = std::unique_ptr<Handle, Destroy<Handle, kDestroy>>;
  using Layout = Owned<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
  using Preference = Owned<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

  // How a matrix is repeated: an element's type, elements between two lanes, lanes.
  struct LaneCopies {
    cudaDataType_t type = CUDA_R_32F;
    std::size_t apart = 0;
    std::uint32_t lanes = 0;
  };

  struct Layouts {
    Layout a;
    Layout b;
    Layout out;
    [[nodiscard]] bool IsWhole() const { return a && b && out; }
  };

  [[nodiscard]] static Layout MakeLayout(const ProductFactor& factor, std::size_t rows,
                                         std::size_t cols, const LaneCopies& copies);
  [[nodiscard]] static Layouts MakeLayouts(const LaneProduct& product, std::uint32_t lanes);
  // A bias becomes part of the product, or none does.
  [[nodiscard]] cublasStatus_t SetBias(bool is_part);
  [[nodiscard]] std::string Choose(cublasLtHandle_t library);
  [[nodiscard]] cublasStatus_t Serves(cublasLtHandle_t library,
                                      const cublasLtMatmulAlgo_t& algorithm,
                                      const Layouts& layouts) const;
  [[nodiscard]] bool ServesAll(cublasLtHandle_t library,
                               const cublasLtMatmulAlgo_t& algorithm) const;
  [[nodiscard]] std::string Check(cublasLtHandle_t library) const;

  LaneProduct product_;
  std::uint32_t lanes_ = 0;
  bool adds_bias_after_ = false;  // where no algorithm does
  bool serves_all_ = false;       // the algorithm, few lanes and many
  ProductWorkspace workspace_;
  Owned<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy> description_;
  Layouts layouts_;
  cublasLtMatmulAlgo_t algorithm_{};
};

}  // namespace ddl
