// SPDX-License-Identifier: Apache-2.0
#include "cli/show.h"

#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>

#include "tests/cli/sample_rows.h"
#include "tests/cli/screen.h"

namespace ddl {
namespace show_test {

AttemptLine FirstAttempt() {
  AttemptLine attempt;
  attempt.attempt = 1;
  attempt.job = {41};
  attempt.host = "local";
  attempt.slots_json = R"({"cores": [[0,0,1000]]})";
  attempt.argv_json = R"(["python3", "train.py", "--name", "a b"])";
  attempt.job_folder = "/var/tmp/ddl-1000/7f3a/jobs/41.0";
  attempt.pid = 4711;
  attempt.cause = EndCause::kSignaled;
  attempt.signal = 11;
  attempt.detail = "segmentation fault";
  attempt.created_ms = attempt.started_ms = test::kBegun;
  attempt.ended_ms = test::kBegun + 2'500;
  attempt.wall_ms = 2'500;
  attempt.cpu_ms = 2'400;
  attempt.peak_memory_kib = 131'072;
  attempt.log_bytes = 5'000;
  return attempt;
}

AttemptLine OpenAttempt() {
  AttemptLine attempt = FirstAttempt();
  attempt.attempt = 2;
  attempt.cause.reset();
  attempt.detail = "";
  attempt.job_folder = "/var/tmp/ddl-1000/7f3a/jobs/42.0";
  return attempt;
}

MetricSummary Summary(const std::string& name) {
  MetricSummary metric;
  metric.name = name;
  metric.count = 12;
  metric.last = metric.max = 0.893412;
  metric.last_step = metric.max_step = 12;
  metric.min = 0.2551;
  metric.min_step = 1;
  return metric;
}

TrialView View() {
  setenv("TZ", "UTC", 1);
  tzset();
  TrialView view;
  view.sweep = test::SampleSweep();
  view.trial = test::SampleReport().trials.front();
  view.trial.state = TrialState::kRunning;
  view.trial.attempts = 2;
  view.attempts = {FirstAttempt(), OpenAttempt()};
  view.metrics = {Summary("val_accuracy"), Summary("train/loss_per_sample")};
  view.curves = {{"val_accuracy", test::SampleCurve(0.9, 12)}};
  view.events = {{test::kBegun, 17, "attempt 1 ended: signal 11; tried again (1 of 2)"}};
  view.provenance = Json{{"commit", "8d3d07a"}, {"command", "ddl sweep\nspec.yaml"}};
  return view;
}

TEST(Show, FillsAWideScreen) {
  EXPECT_EQ(test::Joined(ShowLines(View(), test::Plain(120))), R"(
fashion-mlp/17 · running · val_accuracy 0.8934 · 2 attempts · configuration 16, seed 0

parameters
epochs          3
model.hidden    [256,128]
optimizer.lr    0.0123456
optimizer.type  sgd

metrics
NAME                     LAST  AT STEP     MIN  AT     MAX  AT  REPORTS
val_accuracy           0.8934       12  0.2551   1  0.8934  12       12
train/loss_per_sample  0.8934       12  0.2551   1  0.8934  12       12

curves
val_accuracy
0.8835 ┤                                                          ⣀⣀⣀⣀⣀⣀⣀⡠⠤⠤⠤⠤⠤⠤⠤⠤⠤⠔⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠊⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉
       │                                          ⣀⣀⣀⠤⠤⠤⠔⠒⠒⠒⠒⠉⠉⠉⠉⠉
       │                             ⣀⣀⣀⠤⠤⠤⠒⠒⠒⠊⠉⠉⠉
       │                     ⣀⣀⠤⠤⠒⠒⠉⠉
0.5244 ┤              ⢀⣀⠤⠔⠒⠊⠉
       │        ⢀⡠⠤⠒⠊⠉⠁
       │    ⣀⠤⠔⠊⠁
0.2551 ┤⣀⠤⠒⠉
       └───────────────────────────────────────────────────────────────────────────────────────────────────────────────
        1                                                    step                                                    12

attempts
ATTEMPT  STATE             TIME   CPU   MEMORY      LOG  HOST   DEVICES  STARTED
      1  signal 11 (SEGV)  2.5s  2.4s  128 MiB  4.9 KiB  local  core 0   2026-11-23 08:14
      2  running              -     -        -        -  local  core 0   2026-11-23 08:14
command  python3 train.py --name 'a b'
folder   /var/tmp/ddl-1000/7f3a/jobs/42.0

events
2026-11-23 08:14  attempt 1 ended: signal 11; tried again (1 of 2)

provenance
command  ddl sweep spec.yaml
commit   8d3d07a
)");
}

TEST(Show, FitsEightyColumns) {
  EXPECT_EQ(test::Joined(ShowLines(View(), test::Plain(80))), R"(
fashion-mlp/17 · running · val_accuracy 0.8934 · 2 attempts
  configuration 16, seed 0

parameters
epochs          3
model.hidden    [256,128]
optimizer.lr    0.0123456
optimizer.type  sgd

metrics
NAME                     LAST  AT STEP     MIN  AT     MAX  AT  REPORTS
val_accuracy           0.8934       12  0.2551   1  0.8934  12       12
train/loss_per_sample  0.8934       12  0.2551   1  0.8934  12       12

curves
val_accuracy
0.8835 ┤                                     ⣀⣀⣀⣀⣀⠤⠤⠤⠤⠤⠤⠔⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉
       │                           ⣀⣀⠤⠤⠒⠒⠒⠉⠉⠉
       │                  ⢀⣀⡠⠤⠔⠒⠊⠉⠉
       │              ⣀⠤⠒⠊⠁
0.5244 ┤         ⢀⡠⠔⠊⠉
       │     ⢀⡠⠔⠊⠁
       │   ⡠⠒⠁
0.2551 ┤⡠⠔⠉
       └───────────────────────────────────────────────────────────────────────
        1                                step                                12

attempts
ATTEMPT  STATE             TIME   CPU   MEMORY      LOG  HOST   DEVICES
      1  signal 11 (SEGV)  2.5s  2.4s  128 MiB  4.9 KiB  local  core 0
      2  running              -     -        -        -  local  core 0
not shown here: STARTED
command  python3 train.py --name 'a b'
folder   /var/tmp/ddl-1000/7f3a/jobs/42.0

events
2026-11-23 08:14  attempt 1 ended: signal 11; tried again (1 of 2)

provenance
command  ddl sweep spec.yaml
commit   8d3d07a
)");
}

TEST(Show, FitsFortyColumnsButForWhatIsCopied) {
  EXPECT_EQ(test::Joined(ShowLines(View(), test::Plain(40))), R"(
fashion-mlp/17 · running
  val_accuracy 0.8934 · 2 attempts
  configuration 16, seed 0

parameters
epochs          3
model.hidden    [256,128]
optimizer.lr    0.0123456
optimizer.type  sgd

metrics
NAME                LAST     MIN     MAX
val_accuracy      0.8934  0.2551  0.8934
train/loss_per_…  0.8934  0.2551  0.8934
not shown here: AT STEP AT AT REPORTS

curves
val_accuracy
0.8835 ┤                ⣀⣀⠤⠤⠤⠒⠒⠒⠒⠒⠊⠉⠉⠉⠉
       │           ⢀⡠⠔⠒⠉
       │        ⢀⠤⠒⠁
       │      ⡠⠒⠁
0.5244 ┤    ⢠⠊
       │  ⢀⠔⠁
       │ ⢠⠊
0.2551 ┤⡰⠁
       └───────────────────────────────
        1            step            12

attempts
ATTEMPT  STATE       TIME   CPU   MEMORY
      1  signal 11…  2.5s  2.4s  128 MiB
      2  running        -     -        -
not shown here: LOG HOST DEVICES STARTED
command  python3 train.py --name 'a b'
folder   /var/tmp/ddl-1000/7f3a/jobs/42.0

events
2026-11-23 08:14  attempt 1 ended: sign…

provenance
command  ddl sweep spec.yaml
commit   8d3d07a
)");
}

TEST(Show, OfATrialThatHasNotBegunSaysSo) {
  TrialView view;
  view.sweep = test::SampleSweep();
  view.trial.number = 23;
  EXPECT_EQ(test::Joined(ShowLines(view, test::Plain(80))), R"(
fashion-mlp/23 · waiting
not begun; its parameters are drawn when it is
)");
}

TEST(Show, JsonHoldsEveryPart) {
  const Json json = ShowJson(View());
  EXPECT_EQ(json.at("trial").at("trial"), 17);
  EXPECT_EQ(json.at("trial").at("parameters").at("optimizer.type"), "sgd");
  EXPECT_EQ(json.at("attempts").at(0).at("signal"), 11);
  EXPECT_EQ(json.at("attempts").at(0).at("exit_code"), nullptr);
  EXPECT_EQ(json.at("attempts").at(0).at("argv").at(3), "a b");
  EXPECT_EQ(json.at("attempts").at(1).at("cause"), nullptr);
  EXPECT_EQ(json.at("metrics").at(1).at("metric"), "train/loss_per_sample");
  EXPECT_EQ(json.at("curves").at(0).at("points").size(), 12U);
  EXPECT_EQ(json.at("events").size(), 1U);
  EXPECT_EQ(json.at("provenance").at("commit"), "8d3d07a");
}

TEST(Show, KeepsColumnsThatAreNoJsonAsText) {
  TrialView view = View();
  view.attempts[0].argv_json = "{broken";
  view.attempts[0].slots_json = "";
  const Json attempt = ShowJson(view).at("attempts").at(0);
  EXPECT_EQ(attempt.at("argv"), "{broken");
  EXPECT_EQ(attempt.at("slots"), nullptr);
}

}  // namespace show_test
}  // namespace ddl
