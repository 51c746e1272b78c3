// SPDX-License-Identifier: Apache-2.0
#include "runner/remote_agent.h"

#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "runner/failure_match.h"
#include "runner/file.h"
#include "runner/sha256.h"

namespace ddl {

namespace {

constexpr std::size_t kMostAgentBytes = std::size_t{256} << 20;
constexpr std::size_t kMostGreeting = std::size_t{64} << 10;  // of a shell's own files
constexpr std::size_t kMostErrorText = 2000;
constexpr std::string_view kPlatform = "Linux x86_64";

constexpr std::string_view kAnswerMark = "ddl-host: ";
constexpr std::string_view kReady = "ready";
constexpr std::string_view kMissing = "missing";
constexpr std::string_view kRefused = "refused ";
constexpr const char* kGone = "the connection went while the agent was started";

// Where the agent's executable lies there; the agent itself picks the same host folder.
std::string AgentNames(std::string_view sha256) {
  return fmt::format("d=${{DDL_HOST_DIR:-/var/tmp/ddl-$(id -u)}}; b=$d/bin; f=$b/ddl-agent-{}; ",
                     sha256);
}

// Also a shell that is none of Bourne's passes on what stands within single quotes.
std::string ForAnyShell(const std::string& script) {
  return "exec /bin/sh -c '" + script + "'";
}

struct Executable {
  std::string bytes;
  std::string sha256;
};

std::variant<Executable, SshProblem> ReadExecutable(const std::string& path) {
  auto bytes = ReadFile(path, kMostAgentBytes);
  if (!bytes)
    return SshProblem{fmt::format("cannot read {}", path), "build it: cmake --build build/release"};
  std::string sha256 = Sha256Hex(*bytes);
  return Executable{*std::move(bytes), std::move(sha256)};
}

// Reads what there is of the output, and of the error output up to its limit.
bool ReadMore(SshChannel& channel, std::string& output, std::string& errors) {
  std::array<char, 32768> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): read fills it
  const std::size_t got = channel.Read(piece);
  output.append(piece.data(), got);
  const std::size_t got_errors = channel.ReadErrors(piece);
  if (errors.size() < kMostErrorText) errors.append(piece.data(), got_errors);
  return got + got_errors > 0;
}

SshProblem NoAgent(const std::string& output, const std::string& errors, const Patience& patience) {
  const std::string said = LastLineSaid(errors.empty() ? output : errors);
  if (patience.IsStopped()) return {"ended", {}};
  if (said.empty()) return {"the agent does not start: no answer in time", {}};
  return {fmt::format("the agent does not start: {}", said),
          "does /var/tmp allow execution there? else set DDL_HOST_DIR for that user"};
}

// The host's answer; nullopt: see `problem`.
struct Asked {
  SshChannel channel;
  AgentAnswer answer = AgentAnswer::kIncomplete;
  std::string rest;
};
std::variant<Asked, SshProblem> AskForAgent(SshSession& session, std::string_view sha256,
                                            const Patience& patience, std::string_view arguments) {
  auto running = session.Run(AgentStartCommand(sha256, arguments), patience);
  if (auto* problem = std::get_if<SshProblem>(&running)) return std::move(*problem);
  SshChannel channel = std::get<SshChannel>(std::move(running));
  std::string output;
  std::string errors;
  while (output.size() < kMostGreeting) {
    if (ReadMore(channel, output, errors)) {
      ParsedAnswer parsed = ParseAgentAnswer(output);
      if (parsed.answer == AgentAnswer::kRefused)
        return SshProblem{parsed.text, "use another host"};
      if (parsed.answer == AgentAnswer::kIncomplete) continue;
      return Asked{std::move(channel), parsed.answer, output.substr(parsed.size)};
    }
    if (channel.HasEnded()) break;
    if (!patience.Wait(channel.Descriptor(), channel.Events())) break;
  }
  if (!channel.IsConnected()) return SshProblem{kGone, {}};
  return NoAgent(output, errors, patience);
}

// As long as bytes move, nothing is late.
std::optional<SshProblem> Upload(SshSession& session, const Executable& executable,
                                 const Patience& patience) {
  auto running = session.Run(AgentUploadCommand(executable.sha256), patience);
  if (auto* problem = std::get_if<SshProblem>(&running)) return std::move(*problem);
  SshChannel& channel = std::get<SshChannel>(running);
  std::string output;
  std::string errors;
  std::string_view rest = executable.bytes;
  Patience moving = patience.Renewed();
  bool has_said_all = false;
  while (true) {
    const bool has_read = ReadMore(channel, output, errors);
    if (channel.HasEnded()) break;
    const std::size_t taken = channel.Write(rest);
    rest.remove_prefix(taken);
    if (rest.empty() && !std::exchange(has_said_all, true)) channel.SendEof();
    if (has_read || taken > 0) {
      moving = patience.Renewed();
    } else if (!moving.Wait(channel.Descriptor(), channel.Events())) {
      return SshProblem{"sending the agent came to a halt", {}};
    }
  }
  if (channel.ExitCode(moving) == 0) return std::nullopt;
  if (!channel.IsConnected()) return SshProblem{kGone, {}};
  return SshProblem{fmt::format("cannot put the agent there: {}", LastLineSaid(errors)),
                    "is there space, and is the folder ours? DDL_HOST_DIR names another"};
}

}  // namespace

std::string AgentStartCommand(std::string_view sha256, std::string_view arguments) {
  return ForAnyShell(
      AgentNames(sha256) +
      fmt::format(
          R"sh(no() {{ echo "{0}{4}$1"; exit 1; }}; u=$(uname -sm); )sh"
          R"sh(test "$u" = "{1}" || no "it is $u, and ddl runs on {1}"; )sh"
          R"sh(test -L "$d" && no "$d is a link, not a folder"; )sh"
          R"sh(test -e "$d" && {{ {{ test -O "$d" && chmod 700 "$d"; }} || no "$d belongs to another user"; }}; )sh"
          R"sh(if test -f "$f" && test -O "$f" && test "$(sha256sum < "$f" | cut -c1-64)" = {5}; )sh"
          R"sh(then echo "{0}{2}"; exec "$f" {6}; else echo "{0}{3}"; fi)sh",
          kAnswerMark, kPlatform, kReady, kMissing, kRefused, sha256, arguments));
}

std::string AgentUploadCommand(std::string_view sha256) {
  return ForAnyShell(
      AgentNames(sha256) +
      fmt::format(
          R"sh(umask 077; p=$b/part-$$; trap "rm -f \"$p\"" EXIT; )sh"
          R"sh(mkdir -p "$b" && test -O "$d" && chmod 700 "$d" "$b" && cat > "$p" && )sh"
          R"sh(if test "$(sha256sum < "$p" | cut -c1-64)" = {}; then chmod 700 "$p" && mv -f "$p" "$f"; )sh"
          R"sh(else echo "what arrived is not what was sent" >&2; exit 1; fi)sh",
          sha256));
}

ParsedAnswer ParseAgentAnswer(std::string_view output) {
  for (std::size_t begin = 0; begin < output.size();) {
    const std::size_t end = output.find('\n', begin);
    if (end == std::string_view::npos) break;
    std::string_view line = output.substr(begin, end - begin);
    begin = end + 1;
    if (!line.starts_with(kAnswerMark)) continue;
    line.remove_prefix(kAnswerMark.size());
    if (line == kReady) return {AgentAnswer::kReady, {}, begin};
    if (line == kMissing) return {AgentAnswer::kMissing, {}, begin};
    if (line.starts_with(kRefused)) {
      return {AgentAnswer::kRefused, std::string(line.substr(kRefused.size())), begin};
    }
  }
  return {};
}

std::variant<RemoteAgent, SshProblem> StartRemoteAgent(SshSession& session,
                                                       const std::string& agent_path,
                                                       const Patience& patience,
                                                       std::string_view arguments) {
  auto read = ReadExecutable(agent_path);
  if (auto* problem = std::get_if<SshProblem>(&read)) return std::move(*problem);
  const Executable& executable = std::get<Executable>(read);
  auto asked = AskForAgent(session, executable.sha256, patience, arguments);
  if (const auto* first = std::get_if<Asked>(&asked);
      first != nullptr && first->answer == AgentAnswer::kMissing) {
    asked = SshProblem{};  // ends its channel: there are hosts that allow one at a time
    if (auto problem = Upload(session, executable, patience)) return *std::move(problem);
    asked = AskForAgent(session, executable.sha256, patience.Renewed(), arguments);
  }
  if (auto* problem = std::get_if<SshProblem>(&asked)) return std::move(*problem);
  Asked& last = std::get<Asked>(asked);
  if (last.answer == AgentAnswer::kReady) {
    return RemoteAgent{std::move(last.channel), std::move(last.rest)};
  }
  return SshProblem{"the agent was sent, and is not there", "is the host's disk full?"};
}

}  // namespace ddl
