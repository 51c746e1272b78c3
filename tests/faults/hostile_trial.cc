// SPDX-License-Identifier: Apache-2.0
// hostile_trial KIND PIDS READY: a trial that does not want to end. Every process of it appends its
// pid to the file PIDS; once the tree stands, a line goes into the FIFO READY.
#include <cstdio>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

const char* pids_path = nullptr;
const char* ready_path = nullptr;

void NotePid() {
  const int file = open(pids_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const std::string line = std::to_string(getpid()) + "\n";
  if (write(file, line.data(), line.size()) < 0) _exit(1);
  close(file);
}

void SayReady() {
  const int fifo = open(ready_path, O_WRONLY | O_CLOEXEC);
  if (write(fifo, "up\n", 3) < 0) _exit(1);
  close(fifo);
}

[[noreturn]] void Stay() {
  while (true)
    pause();
}

[[noreturn]] void StayReady() {
  NotePid();
  SayReady();
  Stay();
}

void IgnoreSignals() {
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCONT, SIGUSR1})
    signal(number, SIG_IGN);
}

void CloseAll() {
  for (int descriptor = 0; descriptor < 64; ++descriptor)
    close(descriptor);
}

// Away from parent, session and process group.
void GoAway() {
  if (fork() != 0) {
    NotePid();
    Stay();
  }
  setsid();
  if (fork() != 0) _exit(0);
  setsid();
}

[[noreturn]] void Flood() {
  NotePid();
  SayReady();
  static char piece[65536];
  std::memset(piece, 'x', sizeof piece);
  while (write(1, piece, sizeof piece) != 0) {
  }
  Stay();
}

[[noreturn]] void Spin() {
  NotePid();
  SayReady();
  for (volatile unsigned long count = 0;;)
    count = count + 1;
}

// Beside the first process one lives at every moment, and it is always another one.
[[noreturn]] void Chain() {
  if (fork() != 0) StayReady();
  while (true) {
    const pid_t child = fork();
    if (child > 0) _exit(0);
    setsid();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string kind = argv[1];
  pids_path = argv[2];
  ready_path = argv[3];
  IgnoreSignals();
  if (kind == "ignores-term") StayReady();
  if (kind == "closes-pipes") {
    CloseAll();
    StayReady();
  }
  if (kind == "forks-twice") {
    GoAway();
    StayReady();
  }
  if (kind == "hides") {  // no environment, no descriptors, nobody's child
    GoAway();
    CloseAll();
    char* const words[] = {argv[0], const_cast<char*>("ignores-term"), argv[2], argv[3], nullptr};
    char* const nothing[] = {nullptr};
    execve("/proc/self/exe", words, nothing);
  }
  if (kind == "floods") Flood();
  if (kind == "spins") Spin();
  if (kind == "stops-itself") {
    NotePid();
    SayReady();
    raise(SIGSTOP);
    Stay();
  }
  if (kind == "chain") Chain();
  return 2;
}
