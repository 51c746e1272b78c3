// SPDX-License-Identifier: Apache-2.0
// A conversation with a program in lines: what is sent goes to its standard input, an answer is one
// line of its standard output. What it writes to standard error is kept for messages alone.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "runner/file.h"

namespace ddl {

struct DialogueProgram {
  std::vector<std::string> argv;  // found through PATH, never through a shell
  std::vector<std::pair<std::string, std::string>> env;  // besides that of this process
  std::string folder;                                    // where it runs
};

struct DialogueAnswer {
  std::optional<std::string> line;
  std::string problem;  // where there is none: "it ended with exit code 1: …"
};

// One thread uses it. The program is a process group of its own, and ends with the dialogue: its
// input is closed, and after half a second what is left of the group is killed.
class Dialogue {
 public:
  static constexpr std::size_t kMostAnswerBytes = std::size_t{1} << 20;

  // A program that cannot be started is told by the first Ask.
  explicit Dialogue(const DialogueProgram& program);
  Dialogue(const Dialogue&) = delete;
  Dialogue& operator=(const Dialogue&) = delete;
  ~Dialogue();

  // Sends `text`, whole lines, and waits at most `patience` for a line, or until `stop`. After a
  // problem there is no further answer.
  [[nodiscard]] DialogueAnswer Ask(std::string_view text, std::chrono::milliseconds patience,
                                   const std::stop_token& stop);

 private:
  using Clock = std::chrono::steady_clock;
  struct Ends;

  void Start(const DialogueProgram& program, const Ends& ends);
  // What can be written and read now, waiting a moment for it.
  void Exchange(std::string_view& unsent);
  void Listen(FileDescriptor& from, std::string& into, std::size_t most);
  [[nodiscard]] std::optional<std::string> TakeLine();
  [[nodiscard]] std::string HowItEnded();
  [[nodiscard]] std::string LastWords() const;

  pid_t pid_ = -1;
  FileDescriptor input_;  // of the program, and so on
  FileDescriptor output_;
  FileDescriptor error_;
  std::string heard_;
  std::string complaints_;  // the end of its standard error
  std::string problem_;
};

}  // namespace ddl
