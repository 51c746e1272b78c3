// SPDX-License-Identifier: Apache-2.0
#include "runner/trial_set_up.h"

#include <charconv>

#include <fmt/format.h>

namespace ddl {

namespace {

constexpr std::size_t kLineShown = 120;

std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char letter : text) {
    if (letter == '\'') {
      quoted += "'\\''";
    } else {
      quoted += letter;
    }
  }
  return quoted + "'";
}

}  // namespace

// Each line within eval, so that one with an open quote takes no other along; >| writes also where
// a line has forbidden to overwrite files.
std::vector<std::string> BehindSetUp(const std::vector<std::string>& lines,
                                     const std::string& progress_file,
                                     std::vector<std::string> argv) {
  const std::string file = Quoted(progress_file);
  std::string script;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    script += fmt::format("echo {} >| {}\neval {} || exit $?\n", i + 1, file, Quoted(lines[i]));
  }
  script += fmt::format("echo 0 >| {}\nexec \"$@\"\n", file);
  std::vector<std::string> words{"/bin/sh", "-c", std::move(script), "ddl-setup"};
  words.insert(words.end(), std::make_move_iterator(argv.begin()),
               std::make_move_iterator(argv.end()));
  return words;
}

void JudgeSetUp(const std::vector<std::string>& lines, std::string_view progress,
                ExitRecord& record) {
  std::size_t number = 0;
  std::from_chars(progress.data(), progress.data() + progress.size(), number);
  if (number == 0 || number > lines.size()) return;
  std::string how;
  if (record.cause == EndCause::kExited) {
    how = fmt::format("ended with exit code {}", record.exit_code);
  } else if (record.cause == EndCause::kSignaled) {
    how = fmt::format("was killed by signal {}", record.signal);
  } else {
    return;  // told to stop, or out of time or memory: that says it all
  }
  const std::string& line = lines[number - 1];
  record.cause = EndCause::kLaunchRefused;
  record.detail =
      fmt::format("set-up line {} of hosts.yaml {}: {}", number, how, line.substr(0, kLineShown));
}

}  // namespace ddl
