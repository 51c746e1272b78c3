// SPDX-License-Identifier: Apache-2.0
#include "trainer/bfloat16.h"
#include "trainer/bfloat16_bits.h"
#include "trainer/clones.h"

namespace ddl {

DDL_CLONES void RoundToBfloat16(std::size_t count, const float* __restrict from,
                                Bfloat16* __restrict to) {
  for (std::size_t i = 0; i < count; ++i) {
    to[i].bits = Bfloat16Bits(from[i]);
  }
}

}  // namespace ddl
