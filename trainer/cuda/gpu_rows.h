// SPDX-License-Identifier: Apache-2.0
// A data set in the memory of a device, once for all plans that read it.
#pragma once

#include <cstddef>

#include "trainer/cuda/gpu_device.h"
#include "trainer/cuda/gpu_memory.h"
#include "trainer/cuda/gpu_program.h"
#include "trainer/dataset.h"

namespace ddl {

// What the lanes of a device read: both parts have features of one type.
struct GpuData {
  Split train;
  Split test = {};  // may be empty; its rows are numbered behind those of `train`
  std::size_t features = 0;
  Affine affine = {};  // of lanes that are told no other
  // Both parts are runs of tokens (bytes) without labels, each read as windows of `features` tokens
  // that begin anywhere, with the token behind each as its label. A window is named by the token
  // that it begins with.
  bool is_text = false;
};

[[nodiscard]] GpuData DataFrom(const Dataset& dataset, const Affine& affine = {});
[[nodiscard]] GpuDataShape ShapeOf(const GpuData& data);

class GpuRows {
 public:
  // Copies the rows. The device outlives them.
  GpuRows(GpuDevice& device, const GpuData& data);
  // None: rows of so many features are handed over with each batch (LaneBatch).
  explicit GpuRows(std::size_t features) : rows_(0), features_(features), is_text_(false) {}

  [[nodiscard]] const StoredData& Places() const { return places_; }
  // That have a number: of a text the windows.
  [[nodiscard]] std::size_t Rows() const { return rows_; }
  [[nodiscard]] std::size_t Features() const { return features_; }
  [[nodiscard]] bool IsText() const { return is_text_; }
  [[nodiscard]] bool IsHandedOver() const { return rows_ == 0; }

 private:
  StoredData places_;
  std::size_t rows_;
  std::size_t features_;
  bool is_text_;
};

}  // namespace ddl
