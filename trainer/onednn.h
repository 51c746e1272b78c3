// SPDX-License-Identifier: Apache-2.0
// What the files that call oneDNN's primitives share. Included by those files alone.
#pragma once

#include <cstddef>
#include <unordered_map>

#include <dnnl.hpp>

namespace ddl::onednn {

using Memory = dnnl::memory;
using Arguments = std::unordered_map<int, Memory>;

// One engine for all threads, which never changes: a primitive made by one thread may be executed
// by another.
[[nodiscard]] const dnnl::engine& Engine();

// For primitives whose working memory is ours. The library's own belongs to the thread that made
// them, and is not there in another.
[[nodiscard]] dnnl::primitive_attr OwnScratchpad();

// A primitive with its working memory, by one thread at a time.
class Operation {
 public:
  Operation() = default;
  // Of a description made with OwnScratchpad().
  explicit Operation(const dnnl::primitive_desc_base& desc)
      : primitive_(desc.get()), scratchpad_(desc.scratchpad_desc(), Engine()) {}

  // On the calling thread, until it is done.
  void Execute(Arguments arguments) const;

 private:
  dnnl::primitive primitive_;
  Memory scratchpad_;
};

// Copies, changing order and precision as the two descriptions say.
void Reorder(const Memory& from, const Memory& to);

// Memory that is somebody else's; only what a primitive puts out is written.
[[nodiscard]] Memory On(const Memory::desc& desc, const void* at);

[[nodiscard]] inline Memory::dim Dim(std::size_t size) {
  return static_cast<Memory::dim>(size);
}

}  // namespace ddl::onednn
