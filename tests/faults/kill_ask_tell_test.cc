// SPDX-License-Identifier: Apache-2.0
// Some kill points of `ddl ask` and `ddl tell`.
#include "tests/faults/kill_ask_tell.h"

#include "tests/sanitized.h"

namespace ddl {
namespace kill_ask_tell_test {

TEST_F(KilledAskTell, AskGivesOutWholeTrials) {
  KillAsk(Repeated(20));
}

TEST_F(KilledAskTell, AskBeginsWholeStores) {
  KillTheFirstAsk(Repeated(20));
}

TEST_F(KilledAskTell, TellIsTakenOnceOrNotAtAll) {
  KillTell(Repeated(20));
}

}  // namespace kill_ask_tell_test
}  // namespace ddl
