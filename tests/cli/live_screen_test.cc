// SPDX-License-Identifier: Apache-2.0
#include "cli/live_screen.h"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/cli/screen.h"
#include "tests/cli/tiny_terminal.h"

namespace ddl {
namespace live_screen_test {

using Lines = std::vector<std::string>;

TEST(Repaint, WritesNothingWhenNothingChanged) {
  const Lines lines{"a", "b"};
  EXPECT_EQ(Repaint(lines, lines, 80, 80), "");
}

TEST(Repaint, WritesOnlyTheLinesThatChanged) {
  EXPECT_EQ(Repaint(Lines{"a", "b", "c"}, Lines{"a", "x", "c"}, 80, 80),
            "\x1b[3A\r\r\nx\x1b[K\r\n\r\n");
}

TEST(Repaint, ShowsWhatIsWantedWhateverWasThere) {
  const std::vector<Lines> screens{
      {"one", "two", "three"}, {"1"}, {}, {"a much longer line", "b"}, {"0123456789", "x"}};
  for (const Lines& before : screens) {
    for (const Lines& after : screens) {
      test::TinyTerminal seen(20, 10);
      seen.Send("$ ddl\r\n" + Repaint({}, before, 20, 20) + Repaint(before, after, 20, 20));
      EXPECT_EQ(seen.Text(), "\n$ ddl" + test::Joined(after) + "\n");
    }
  }
}

TEST(Repaint, KeepsTheCharacterInTheLastColumn) {
  test::TinyTerminal seen(5, 10);
  seen.Send(Repaint({}, Lines{"12345", "b"}, 5, 5));
  EXPECT_EQ(seen.Text(), "\n12345\nb\n\n");
}

TEST(Repaint, FindsTheTopOfWhatANarrowerWindowWrapped) {
  test::TinyTerminal seen(10, 10);
  seen.Send("$ ddl\r\n");
  seen.Send(Repaint({}, Lines{"0123456789abcde", "b"}, 10, 10));  // takes two rows and one
  seen.Send(Repaint(Lines{"0123456789abcde", "b"}, Lines{"x", "y"}, 20, 10));
  EXPECT_EQ(seen.Text(), "\n$ ddl\nx\ny\n\n");
}

// Everything that a screen wrote so far, through a pipe in place of a terminal.
class Recorder {
 public:
  Recorder() { EXPECT_EQ(pipe(ends_.data()), 0); }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  ~Recorder() {
    close(ends_[0]);
    close(ends_[1]);
  }

  [[nodiscard]] int Fd() const { return ends_[1]; }
  [[nodiscard]] std::string Take() const {
    std::array<char, 4096> buffer{};
    const ssize_t count = read(ends_[0], buffer.data(), buffer.size());
    return {buffer.data(), static_cast<std::size_t>(count > 0 ? count : 0)};
  }

 private:
  std::array<int, 2> ends_{};
};

TEST(LiveScreen, KeepsPrintedLinesAboveTheLiveOnes) {
  const Recorder recorder;
  LiveScreen screen(recorder.Fd());
  screen.Draw({"10%", "trial 1"}, test::Plain(20));
  screen.Print("trial 7 failed");
  screen.Draw({"20%"}, test::Plain(20));
  screen.Print("trial 8 failed");
  test::TinyTerminal seen(20, 10);
  seen.Send(recorder.Take());
  EXPECT_EQ(seen.Text(), "\ntrial 7 failed\ntrial 8 failed\n20%\n\n");
}

TEST(LiveScreen, LeavesOnlyWhatWasPrintedWhenCleared) {
  const Recorder recorder;
  LiveScreen screen(recorder.Fd());
  screen.Print("begin");
  screen.Draw({"10%", "trial 1"}, test::Plain(20));
  screen.Clear();
  screen.Print("end");
  test::TinyTerminal seen(20, 10);
  seen.Send(recorder.Take());
  EXPECT_EQ(seen.Text(), "\nbegin\nend\n\n");
}

TEST(LiveScreen, ScrollsAtTheBottomOfTheScreen) {
  const Recorder recorder;
  LiveScreen screen(recorder.Fd());
  screen.Draw({"10%", "trial 1"}, test::Plain(20, 4));
  for (int i = 0; i < 5; ++i)
    screen.Print("line " + std::to_string(i));
  screen.Draw({"20%", "trial 2"}, test::Plain(20, 4));
  test::TinyTerminal seen(20, 4);
  seen.Send(recorder.Take());
  EXPECT_EQ(seen.Text(), "\nline 0\nline 1\nline 2\nline 3\nline 4\n20%\ntrial 2\n\n");
}

TEST(LiveScreen, NeverHidesTheCursor) {
  const Recorder recorder;
  LiveScreen screen(recorder.Fd());
  screen.Draw({"10%"}, test::Plain(20));
  screen.Print("x");
  EXPECT_EQ(recorder.Take().find("\x1b[?"), std::string::npos);
}

}  // namespace live_screen_test
}  // namespace ddl
