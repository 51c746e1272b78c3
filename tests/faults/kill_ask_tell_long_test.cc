// SPDX-License-Identifier: Apache-2.0
// Every kill point of `ddl ask` and `ddl tell`.
#include "tests/faults/kill_ask_tell.h"

namespace ddl {
namespace kill_ask_tell_long_test {

TEST_F(KilledAskTell, AskAtEverySystemCall) {
  KillAsk(-1);
}

TEST_F(KilledAskTell, TheFirstAskAtEverySystemCall) {
  KillTheFirstAsk(-1);
}

TEST_F(KilledAskTell, TellAtEverySystemCall) {
  KillTell(-1);
}

}  // namespace kill_ask_tell_long_test
}  // namespace ddl
