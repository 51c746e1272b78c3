// SPDX-License-Identifier: Apache-2.0
// Population based training over several hosts, two of them behind real sshds: checkpoints travel.
#pragma once

#include <csignal>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include <gmock/gmock.h>

#include "tests/cli/real_ddl_over_ssh.h"

namespace ddl {

// Gains n with each report, from what it finds in its checkpoint on; a blob goes along, and has to
// be there. Trials of $HOLD tell that they have begun, and wait for a word.
inline constexpr const char* kPbtScript = R"script(#!/bin/sh
state=$DDL_CHECKPOINT_DIR/state
count=0 gain=0
case " $HOLD " in *" $DDL_TRIAL "*) echo "$DDL_TRIAL" > "$EAR"; read -r word < "$GO";; esac
if [ -f "$state" ]; then
  read -r count gain < "$state"
  [ "$(wc -c < "$DDL_CHECKPOINT_DIR/parts/blob")" = "$BYTES" ] || exit 9
fi
while [ "$count" -lt "$DDL_UNTIL" ]; do
  count=$((count + 1)) gain=$((gain + ${1#--n=}))
  echo "{\"step\": $count, \"gain\": $gain}"
done
mkdir -p "$DDL_CHECKPOINT_DIR/parts"
{ echo "$DDL_TRIAL"; head -c "$BYTES" /dev/zero; } | head -c "$BYTES" > "$state.blob" || exit 8
mv "$state.blob" "$DDL_CHECKPOINT_DIR/parts/blob"
echo "$count $gain" > "$state.aside" && mv "$state.aside" "$state"
)script";

class PbtHosts : public OverSsh<RealDdl> {
 protected:
  void SetUp() override {
    OverSsh::SetUp();
    if (IsSkipped()) return;
    other_.Trust();
    std::ofstream(sshd_.Path("config"), std::ios::app) << other_.Section("other-host");
    ear_ = std::make_unique<Ear>(MakePipe("ear"));
    held_ = std::make_unique<Ear>(MakePipe("go"));  // a word that comes early finds somebody
  }
  std::string SpecOf(const std::string& name, const std::string& hosts, const std::string& hold,
                     std::int64_t bytes = 1'000) {
    Write("train.sh", kPbtScript);
    return Write(name + ".yaml",
                 "name: " + name +
                     "\ncommand: [sh, train.sh, '${args}']\nmethod: pbt\n"
                     "search: {population: 4, perturbation_interval: 2, max_iter: 6}\n"
                     "metric: {name: gain, goal: maximize}\n"
                     "parameters: {n: {min: 1, max: 100}}\nparallel: 1\n"
                     "resources: {cpus: 0.1}\nresults: none\nhosts: [" +
                     hosts + "]\nenv: {HOLD: '" + hold + "', BYTES: '" + std::to_string(bytes) +
                     "', EAR: '" + folder_ + "/ear', GO: '" + folder_ + "/go'}\n");
  }
  void LetGo() const { std::ofstream(folder_ + "/go") << "on\n"; }
  void OnlyOn(const std::string& host, const std::string& not_on) {
    (void)Ddl({"hosts", "resume", host});
    const Finished drained = Ddl({"hosts", "drain", not_on, "--reason", "test"});
    EXPECT_EQ(drained.code, 0) << drained.error;
  }
  // Each trial gained what its parent had and its own, wherever that ran. From which host to which
  // checkpoints went.
  std::set<std::pair<std::string, std::string>> ExpectLineage(const std::string& sweep) {
    std::map<std::int64_t, double> gains;
    std::set<std::pair<std::string, std::string>> moves;
    for (std::int64_t number = 1; number <= 12; ++number) {
      const Json shown = DdlJson({"show", sweep + "/" + std::to_string(number)});
      const Json& trial = shown.at("trial");
      const double own = 2.0 * trial.at("parameters").at("n").get<double>();
      gains[number] = trial.at("value").is_null() ? -1 : trial.at("value").get<double>();
      hosts_[number] = shown.at("attempts").back().at("host").get<std::string>();
      const Json& parent = shown.at("goes_on_from");
      EXPECT_EQ(parent.is_null(), number <= 4);
      const std::int64_t from = parent.is_null() ? 0 : parent.get<std::int64_t>();
      EXPECT_EQ(gains[number], own + (from == 0 ? 0 : gains[from])) << "trial " << number;
      if (from > 0 && hosts_[from] != hosts_[number]) moves.emplace(hosts_[from], hosts_[number]);
    }
    return moves;
  }
  // All of the first generation but its first trial runs on A, what follows the fifth on B. Waits
  // for the fifth.
  std::unique_ptr<RunningDdl> BeginToMove(const std::string& spec, const std::string& a,
                                          const std::string& b) {
    auto sweep = Start({"sweep", spec});
    ear_->Line();
    OnlyOn(a, b);
    LetGo();
    ear_->Line();
    OnlyOn(b, a);
    return sweep;
  }

  TestSshd other_;
  std::unique_ptr<Ear> ear_;
  std::unique_ptr<Ear> held_;
  std::map<std::int64_t, std::string> hosts_;  // of the last attempts
};

}  // namespace ddl
