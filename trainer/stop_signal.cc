// SPDX-License-Identifier: Apache-2.0
#include "trainer/stop_signal.h"

#include <cassert>
#include <csignal>

namespace ddl {

namespace {

// A handler can reach nothing but a global.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
volatile std::sig_atomic_t stop_asked = 0;

void Remember(int) {
  stop_asked = 1;
}

}  // namespace

void CatchStopSignal() {
  struct sigaction action{};
  action.sa_handler = Remember;
  action.sa_flags = SA_RESTART;  // a write of metrics is not to be cut short
  const int result = sigaction(SIGTERM, &action, nullptr);
  assert(result == 0);
}

bool IsStopAsked() {
  return stop_asked != 0;
}

}  // namespace ddl
