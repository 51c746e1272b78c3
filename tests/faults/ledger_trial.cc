// SPDX-License-Identifier: Apache-2.0
// ledger_trial FOLDER REPORTS [MICROSECONDS [GATE]]: a trial that writes down by itself, synced,
// what it reports to ddl: FOLDER/TRIAL.ATTEMPT has one line a report, with its step, before the
// report is made. Between two reports it takes its time, 2,000 microseconds unless told; with GATE
// it goes on reporting until a file of that name is there.
#include <cstdio>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool WriteLine(int file, const std::string& line) {
  return write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const int pause = argc > 3 ? std::atoi(argv[3]) : 2000;
  const std::string name = Variable("DDL_TRIAL") + "." + Variable("DDL_ATTEMPT");
  // A second start of one attempt is seen as lines that stand twice.
  const int ledger = open((std::string(argv[1]) + "/" + name).c_str(),
                          O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const char* gate = argc > 4 ? argv[4] : "/";
  for (int step = 1; step <= std::atoi(argv[2]) || access(gate, F_OK) != 0; ++step) {
    if (!WriteLine(ledger, std::to_string(step) + "\n") || fdatasync(ledger) != 0) return 1;
    std::printf("{\"step\": %d, \"loss\": %d}\n", step, 100 - step);
    std::fflush(stdout);
    usleep(static_cast<useconds_t>(pause));
  }
  return 0;
}
