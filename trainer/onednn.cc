// SPDX-License-Identifier: Apache-2.0
#include "trainer/onednn.h"

namespace ddl::onednn {

namespace {

dnnl::stream& Stream() {
  thread_local dnnl::stream stream(Engine());
  return stream;
}

}  // namespace

const dnnl::engine& Engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::primitive_attr OwnScratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

void Operation::Execute(Arguments arguments) const {
  arguments.emplace(DNNL_ARG_SCRATCHPAD, scratchpad_);
  primitive_.execute(Stream(), arguments);
  Stream().wait();
}

void Reorder(const Memory& from, const Memory& to) {
  const dnnl::reorder::primitive_desc desc(from, to, OwnScratchpad());
  Operation(desc).Execute({{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
}

Memory On(const Memory::desc& desc, const void* at) {
  return {desc, Engine(), const_cast<void*>(at)};
}

}  // namespace ddl::onednn
