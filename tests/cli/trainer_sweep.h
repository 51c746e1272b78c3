// SPDX-License-Identifier: Apache-2.0
// Sweeps of the built-in trainer, here and on a host that is given everything: trainer, libraries,
// data.
#pragma once

#include <map>
#include <string>

#include "tests/cli/real_ddl_over_ssh.h"

namespace ddl {

class TrainerSweep : public OverSsh<RealDdl> {
 protected:
  // Further lines of sshd's configuration.
  explicit TrainerSweep(const std::string& options = {}) : OverSsh(options) {}
  std::string SpecOf(const std::string& name, const std::string& hosts, const std::string& data,
                     int trials = 3) const {
    return Write(name + ".yaml",
                 "name: " + name + "\ntrainer: {data: " + data +
                     ", model: {hidden: [8]}, epochs: 2, batch_size: 16}\n"
                     "method: random\nparameters: {optimizer.lr: {min: 0.01, max: 0.1}}\n"
                     "metric: {name: val_loss, goal: minimize}\n"
                     "resources: {cpus: 0.1}\nrun_cap: " +
                     std::to_string(trials) + "\nhosts: " + hosts + "\n");
  }
  // Two classes, told apart by a line.
  static std::string Points(double slope) {
    std::string text;
    for (int i = 0; i < 100; ++i) {
      const double x = i % 10 - 4.5;
      const double y = i / 10 - 4.5;
      text += std::to_string(x) + "," + std::to_string(y) + (y > slope * x ? ",1\n" : ",0\n");
    }
    return text;
  }
  // What each trial reached, as it is printed without loss.
  std::map<std::int64_t, std::string> Values(const std::string& sweep) {
    std::map<std::int64_t, std::string> values;
    const Json report = DdlJson({"report", sweep});
    for (const Json& trial : report.at("trials"))
      values[trial.at("trial")] = DumpJson(trial.at("value"));
    return values;
  }
  void ExpectTheSameThereAndHere(const std::string& data) {
    const Finished here = Ddl({"sweep", SpecOf("here", "[local]", data)});
    EXPECT_EQ(here.code, 0) << here.error;
    const Finished there = Ddl({"sweep", SpecOf("there", "['ssh://test-host']", data)});
    EXPECT_EQ(there.code, 0) << there.out << there.error << Ddl({"logs", "1"}).out;
    const auto values = Values("there");
    EXPECT_EQ(values.size(), 3U);
    EXPECT_EQ(values, Values("here"));
  }
};

}  // namespace ddl
