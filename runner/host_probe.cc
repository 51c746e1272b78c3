// SPDX-License-Identifier: Apache-2.0
#include "runner/host_probe.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"
#include "configs/ssh_address.h"
#include "runner/agent_lines.h"
#include "runner/command_output.h"
#include "runner/host_session.h"

namespace ddl {

namespace {

using std::chrono::microseconds;
constexpr std::size_t kMostReport = std::size_t{1} << 20;
constexpr int kClockQuestions = 5;

ProbeProblem ProblemOf(const SshProblem& problem) {
  return {problem.reason, problem.hint};
}

ProbeAnswer ReportOf(std::string_view line) {
  try {
    return HostReportFromJson(line);
  } catch (const Error& problem) {
    return ProbeProblem{fmt::format("its report cannot be read: {}", problem.Message()), {}};
  }
}

ProbeAnswer ProbeLocal(const HostQuestion& question, const std::string& agent_path,
                       std::chrono::milliseconds patience) {
  const CommandOutput answer = RunCommand({agent_path, "facts", "--stdio"}, patience, kMostReport);
  if (answer.exit_code != 0) {
    return ProbeProblem{fmt::format("{} does not answer", agent_path),
                        "build it: cmake --build build/release"};
  }
  ProbeAnswer told = ReportOf(answer.text.substr(0, answer.text.find('\n')));
  if (auto* report = std::get_if<HostReport>(&told)) {
    report->libraries = FindLibraries(question.libraries, report->host_folder);
  }
  return told;
}

std::optional<ProbeProblem> AskForLibraries(AgentLines& lines, const LibraryQuestion& question,
                                            const Patience& patience, HostReport& report) {
  if (question.names.empty()) return std::nullopt;
  lines.Say(ToJsonText(question) + "\n");
  const auto line = lines.Next(patience);
  if (!line) return ProbeProblem{"it does not say in time which libraries it has", {}};
  try {
    report.libraries = FoundLibrariesFromJson(*line);
  } catch (const Error& problem) {
    return ProbeProblem{fmt::format("its libraries cannot be read: {}", problem.Message()), {}};
  }
  return std::nullopt;
}

std::int64_t UnixUs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<microseconds>(now).count();
}

// The quickest of a few questions tells most exactly: its clock was read halfway.
std::int64_t ClockOffset(AgentLines& lines, const Patience& patience) {
  std::int64_t offset = 0;
  std::int64_t quickest = std::numeric_limits<std::int64_t>::max();
  for (int i = 0; i < kClockQuestions; ++i) {
    const std::int64_t asked = UnixUs();
    lines.Say("\n");
    const auto line = lines.Next(patience);
    const std::int64_t answered = UnixUs();
    if (!line) break;
    std::int64_t there = 0;
    std::from_chars(line->data(), line->data() + line->size(), there);
    if (answered - asked >= quickest) continue;
    quickest = answered - asked;
    offset = there - (asked + quickest / 2);
  }
  return offset;
}

ProbeAnswer ProbeSsh(const HostQuestion& question, const std::string& agent_path,
                     std::chrono::milliseconds limit) {
  auto opened = HostSession::Open({question.address, agent_path, limit});
  if (auto* problem = std::get_if<SshProblem>(&opened)) return ProblemOf(*problem);
  auto& host = std::get<HostSession>(opened);
  auto started = host.Start(kTellFacts);
  if (auto* problem = std::get_if<SshProblem>(&started)) return ProblemOf(*problem);
  AgentLines lines(std::get<RemoteAgent>(std::move(started)));
  const auto line = lines.Next(host.Usual());
  if (!line) return ProbeProblem{"the agent says nothing in time", {}};
  ProbeAnswer answer = ReportOf(*line);
  if (auto* report = std::get_if<HostReport>(&answer)) {
    report->clock_us = ClockOffset(lines, host.Usual());
    auto problem = AskForLibraries(lines, question.libraries, host.Usual(), *report);
    if (problem) return *std::move(problem);
  }
  return answer;
}

}  // namespace

std::vector<ProbeAnswer> ProbeHosts(const std::vector<HostQuestion>& questions,
                                    const std::string& agent_path,
                                    std::chrono::milliseconds patience) {
  std::vector<ProbeAnswer> answers(questions.size(), ProbeProblem{});
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    threads.emplace_back([&question = questions[i], &answer = answers[i], &agent_path, patience] {
      answer = IsSshHost(question.address) ? ProbeSsh(question, agent_path, patience)
                                           : ProbeLocal(question, agent_path, patience);
    });
  }
  threads.clear();  // waits for all of them
  return answers;
}

}  // namespace ddl
