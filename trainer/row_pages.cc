// SPDX-License-Identifier: Apache-2.0
#include "trainer/row_pages.h"

#include <string_view>

#include "trainer/dataset_memory.h"

namespace ddl {

namespace {

template <class Element>
std::string_view BytesOf(std::span<const Element> elements, std::size_t first, std::size_t count) {
  return {reinterpret_cast<const char*>(elements.data() + first), count * sizeof(Element)};
}

// Calls `act` on the features and on the labels of the rows.
template <class Act>
void OnBytes(const Split& split, std::size_t features, const RowRun& rows, const Act& act) {
  if (rows.count == 0) return;
  std::visit(
      [&](const auto& values) {
        act(BytesOf(values, rows.first * features, rows.count * features));
      },
      split.features);
  act(BytesOf(split.labels, rows.first, rows.count));
}

}  // namespace

void RowPages::Want(const RowRun& rows) const {
  const MappedFile* file = dataset_.memory->File();
  if (file == nullptr) return;
  OnBytes(split_, dataset_.features, rows, [file](std::string_view part) { file->Want(part); });
}

void RowPages::GiveUp(const RowRun& rows) const {
  const MappedFile* file = dataset_.memory->File();
  if (file == nullptr) return;
  OnBytes(split_, dataset_.features, rows, [file](std::string_view part) { file->GiveUp(part); });
}

}  // namespace ddl
