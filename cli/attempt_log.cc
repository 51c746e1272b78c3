// SPDX-License-Identifier: Apache-2.0
#include "cli/attempt_log.h"

#include <chrono>
#include <thread>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "cli/executables.h"
#include "cli/output.h"
#include "cli/trial_output.h"
#include "configs/error.h"
#include "runner/job_folder.h"
#include "runner/kept_log.h"
#include "runner/remote_files.h"

namespace ddl {

namespace {

constexpr std::chrono::milliseconds kReadEvery{200};
constexpr std::chrono::seconds kConnectEvery{2};

// The one way out of a stream that would go on.
struct NobodyReads {};

bool IsHere(const AttemptLine& attempt) {
  return attempt.host == "local";
}

std::string PathThere(const AttemptLine& attempt, const char* name) {
  return fmt::format("{}/{}", BelowHostFolder(attempt.job_folder), name);
}

Error UnreachableError(const AttemptLine& attempt, const SshProblem& problem) {
  return {fmt::format("{}: {}", attempt.host, problem.reason), attempt.job_folder + "/log",
          problem.hint.empty() ? "try again when the host answers" : problem.hint,
          ErrorKind::kInfrastructure};
}

HostSession Connect(const AttemptLine& attempt) {
  auto opened = HostSession::Open({attempt.host, SiblingExecutable("ddl-agent")});
  if (const auto* problem = std::get_if<SshProblem>(&opened))
    throw UnreachableError(attempt, *problem);
  return std::get<HostSession>(std::move(opened));
}

}  // namespace

AttemptLog::AttemptLog(AttemptLine attempt) : attempt_(std::move(attempt)) {}

HostSession& AttemptLog::Host() {
  if (!host_) host_ = Connect(attempt_);
  return *host_;
}

std::string AttemptLog::Read() {
  KeptLog kept;
  if (IsHere(attempt_)) {
    kept = ReadKeptLog(attempt_.job_folder);
  } else if (!attempt_.job_folder.empty()) {
    for (auto& [name, text] : {std::pair<const char*, std::string&>{"log", kept.head},
                               std::pair<const char*, std::string&>{"log.tail", kept.tail}}) {
      const auto problem =
          ReadRemoteFile(Host(), {.path = PathThere(attempt_, name)},
                         [&text = text](std::string_view bytes) { text += bytes; });
      if (problem) throw UnreachableError(attempt_, *problem);
    }
  }
  shown_ = kept.head.size();
  return JoinTrialOutput(kept, attempt_, 0);
}

std::string AttemptLog::WhyGone() const {
  return IsHere(attempt_) ? WhyFolderIsGone(attempt_) : std::string();
}

void AttemptLog::Follow(const LogFollower& follower) {
  IsHere(attempt_) ? FollowHere(follower) : FollowThere(follower);
}

void AttemptLog::FollowHere(const LogFollower& follower) {
  while (follower.is_read()) {
    const bool is_over = follower.has_ended();
    const std::string text = ReadLogFrom(attempt_.job_folder, shown_);
    shown_ += text.size();
    if (!text.empty()) follower.take(text);
    if (is_over && text.empty()) return;
    if (text.empty()) std::this_thread::sleep_for(kReadEvery);
  }
}

void AttemptLog::FollowThere(const LogFollower& follower) {
  while (follower.is_read()) {
    std::string why;
    try {
      why = Stream(follower);
    } catch (const NobodyReads&) {
      return;
    }
    if (why.empty()) return;
    host_.reset();
    if (follower.has_ended()) throw UnreachableError(attempt_, {why, {}});
    PrintAside(fmt::format("note: {}; trying again\n", why));
    std::this_thread::sleep_for(kConnectEvery);
  }
}

std::string AttemptLog::Stream(const LogFollower& follower) {
  try {
    (void)Host();
  } catch (const Error& problem) {
    return problem.Message();
  }
  const std::optional<SshProblem> problem =
      ReadRemoteFile(Host(),
                     {.path = PathThere(attempt_, "log"),
                      .offset = static_cast<std::int64_t>(shown_),
                      .follow = true},
                     [&](std::string_view bytes) {
                       shown_ += bytes.size();
                       if (!bytes.empty()) follower.take(bytes);
                       if (!follower.is_read()) throw NobodyReads();
                     });
  return problem ? problem->reason : std::string();
}

}  // namespace ddl
