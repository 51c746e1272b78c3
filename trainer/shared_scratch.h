// SPDX-License-Identifier: Apache-2.0
// Memory that weights use one after the other, so that the largest decides how much there is.
#pragma once

#include <vector>

#include "trainer/model_memory.h"
#include "trainer/stage.h"

namespace ddl {

// One strip of gradient for all dense weights, where no gradient is kept whole.
void ShareStrip(std::vector<Stage>& stages, ModelMemory& memory);

// What orthogonalising takes, for all weights that keep the momentum alone.
void ShareOrthogonalScratch(std::vector<Stage>& stages, ModelMemory& memory);

}  // namespace ddl
