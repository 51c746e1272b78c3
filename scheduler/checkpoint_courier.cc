// SPDX-License-Identifier: Apache-2.0
#include "scheduler/checkpoint_courier.h"

#include <chrono>
#include <utility>
#include <variant>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include "configs/ssh_address.h"
#include "runner/folder_snapshot.h"
#include "runner/job_folder.h"
#include "runner/remote_tree.h"

namespace ddl {

namespace {

constexpr const char* kFetched = "checkpoints";  // the folder in what was fetched
constexpr int kTries = 5;                        // in a row, each of which brought something

std::string LastName(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

CheckpointFetched AnswerFor(const FetchCheckpoint& order) {
  return {.sweep = order.sweep, .number = order.number, .attempt = order.attempt};
}

}  // namespace

class CheckpointCourier::Errands {
 public:
  explicit Errands(const CheckpointCourier& courier)
      : spool_(courier.store_folder_ + "/checkpoints"),
        code_folder_(courier.store_folder_ + "/code"),
        agent_path_(courier.agent_path_),
        deliver_(courier.deliver_),
        thread_([this](const std::stop_token& stop) { Run(stop); }) {}

  void Put(const FetchCheckpoint& order) { orders_.Put(order); }

 private:
  using Order = std::optional<FetchCheckpoint>;  // nothing: look whether it is over

  void Run(const std::stop_token& stop) {
    const std::stop_callback wake(stop, [this] { orders_.Put(std::nullopt); });
    while (!stop.stop_requested()) {
      for (const Order& order : orders_.TakeAll(std::chrono::hours(1))) {
        if (order && !stop.stop_requested()) deliver_(Answer(*order, stop));
      }
    }
  }

  [[nodiscard]] CheckpointFetched Answer(const FetchCheckpoint& order,
                                         const std::stop_token& stop) {
    CheckpointFetched answer = AnswerFor(order);
    const std::string place =
        fmt::format("{}/{}.{}", spool_, HostPaths::CheckpointName(order.trial), order.attempt);
    if (!EnsureFolder(spool_)) return Refuse(order, "cannot make " + spool_);
    const FileDescriptor lock = OpenFile(spool_ + "/lock", O_RDWR | O_CREAT);
    if (!lock || ::flock(lock.Get(), LOCK_SH | LOCK_NB) != 0) {
      return Refuse(order, "ddl gc is at work");
    }
    const std::string note = place + ".code";
    answer.code = ReadFile(note).value_or("");
    if (!answer.code.empty() && HasSnapshot(code_folder_, answer.code)) return answer;
    answer.code.clear();
    if (!order.is_there) return Refuse(order, order.host + " does not answer");
    const bool is_far = IsSshHost(order.host);
    if (is_far) {
      if (std::string problem = FetchTo(place, order, kTries, stop); !problem.empty()) {
        return Refuse(order, std::move(problem));
      }
    }
    const std::string from =
        is_far ? place + "/" + kFetched
               : order.folder + "/checkpoints/" + HostPaths::CheckpointName(order.trial);
    FolderSnapshot kept = KeepFolder(from, code_folder_, stop);
    if (!kept.problem.empty()) return Refuse(order, std::move(kept.problem));
    answer.is_missing = kept.code.empty();
    if (!answer.is_missing && !WriteFileAtomically(note, kept.code)) {
      return Refuse(order, "cannot write " + note);
    }
    answer.code = std::move(kept.code);
    if (is_far) (void)RemoveTree(place);
    return answer;
  }

  // "", or what stands in the way. A connection that was cut is made anew at once.
  [[nodiscard]] std::string FetchTo(const std::string& place, const FetchCheckpoint& order,
                                    int tries, const std::stop_token& stop) {
    const std::string token = LastName(place);
    if (FetchedTree(place) == token) return {};
    if (!host_) {
      auto opened =
          HostSession::Open({.address = order.host, .agent_path = agent_path_, .stop = stop});
      if (const auto* problem = std::get_if<SshProblem>(&opened)) return problem->reason;
      host_.emplace(std::get<HostSession>(std::move(opened)));
    }
    const std::string there = fmt::format("{}/checkpoints/{}", LastName(order.folder),
                                          HostPaths::CheckpointName(order.trial));
    bool has_come = false;
    const auto fetched =
        FetchTree(*host_, {.folders = {{kFetched, there}}, .into = place, .token = token},
                  [&has_come](const TreeCounts& counts) { has_come = counts.came > 0; });
    const auto* problem = std::get_if<SshProblem>(&fetched);
    if (problem == nullptr) return {};
    host_.reset();  // its connection may be the reason
    const bool may_go_on = has_come && tries > 1 && !stop.stop_requested();
    return may_go_on ? FetchTo(place, order, tries - 1, stop) : problem->reason;
  }

  static CheckpointFetched Refuse(const FetchCheckpoint& order, std::string problem) {
    CheckpointFetched answer = AnswerFor(order);
    answer.problem = std::move(problem);
    return answer;
  }

  std::string spool_;
  std::string code_folder_;
  std::string agent_path_;
  std::function<void(CheckpointFetched)> deliver_;
  std::optional<HostSession> host_;  // the thread's
  Mailbox<Order> orders_;
  std::jthread thread_;  // last: it uses the others
};

CheckpointCourier::CheckpointCourier(std::string store_folder, std::string agent_path,
                                     std::function<void(CheckpointFetched)> deliver)
    : store_folder_(std::move(store_folder)),
      agent_path_(std::move(agent_path)),
      deliver_(std::move(deliver)) {}

CheckpointCourier::~CheckpointCourier() = default;

void CheckpointCourier::Fetch(const FetchCheckpoint& order) {
  std::unique_ptr<Errands>& errands = errands_[order.host];
  if (!errands) errands = std::make_unique<Errands>(*this);
  errands->Put(order);
}

}  // namespace ddl
