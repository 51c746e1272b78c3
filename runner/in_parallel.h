// SPDX-License-Identifier: Apache-2.0
// The same work for many things that share nothing, on the cores that there are.
#pragma once

#include <cstddef>
#include <functional>

namespace ddl {

// work(0) … work(count - 1), in no order, on this thread and a few more that end with the call.
// The first exception is thrown again, and what has not begun by then never does.
void InParallel(std::size_t count, const std::function<void(std::size_t)>& work);

}  // namespace ddl
