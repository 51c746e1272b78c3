// SPDX-License-Identifier: Apache-2.0
#include "trainer/lane.h"

#include <array>
#include <cerrno>
#include <ctime>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "configs/error.h"
#include "configs/json.h"
#include "trainer/lane_socket.h"
#include "trainer/trial.h"

namespace ddl {

namespace {

constexpr std::size_t kMostRequestBytes = std::size_t{1} << 20U;

void Close(int& descriptor) {
  if (descriptor >= 0) ::close(descriptor);
  descriptor = -1;
}

std::int64_t ThreadCpuMs() {
  timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return spent.tv_sec * 1000 + spent.tv_nsec / 1'000'000;
}

}  // namespace

Lane::Lane(int connection, int doorbell, GpuTeams& gpus)
    : connection_(connection), doorbell_(doorbell), gpus_(gpus) {}

Lane::~Lane() {
  Close(logs_[0]);
  Close(logs_[1]);
  Close(connection_);
}

bool Lane::Read(DataShelf& shelf) {
  if (!ReceiveFrom(connection_, text_, logs_) || text_.size() > kMostRequestBytes) {
    cut_off_since_ = std::chrono::steady_clock::now();
    must_stop_ = true;
    return thread_.joinable();
  }
  for (std::size_t end = text_.find('\n'); end != std::string::npos; end = text_.find('\n')) {
    const std::string line = text_.substr(0, end);
    text_.erase(0, end + 1);
    if (line == "stop") {
      must_stop_ = true;
    } else if (!thread_.joinable() && !has_ended_) {
      Begin(line, shelf);
    }
  }
  return true;
}

void Lane::Begin(const std::string& line, DataShelf& shelf) {
  SendTo(connection_, "begun\n");
  code_ = CodeOf(
      [&] {
        const Json request = ParseJson(line, "a lane");
        for (const auto& [name, value] : request.at("environment").items())
          environment_[name] = value.get<std::string>();
        const std::string config = environment_["DDL_PARAMS"];
        const std::array<const char*, 1> arguments{config.c_str()};
        command_ = ReadCommand(arguments, [this](const char* name) -> const char* {
          const auto found = environment_.find(name);
          return found == environment_.end() ? nullptr : found->second.c_str();
        });
        return 0;
      },
      [this](const std::string& text) { Write(logs_[1], text + "\n"); });
  if (code_ != 0) {
    has_ended_ = true;
    return;
  }
  loan_ = shelf.Borrow(command_.config.value("data", Json()));
  thread_ = std::thread([this] { Train(); });
}

void Lane::Train() {
  const DataSource load = [this](const Json&) -> const Dataset& {
    const Dataset& dataset = loan_->get();
    is_loaded_ = true;
    return dataset;
  };
  code_ = RunTrial(
      command_, load, gpus_,
      {.metrics =
           [this](const std::string& text) { Write(logs_[0], WithGpuUse(text, gpus_.Use())); },
       .notes = [this](const std::string& text) { Write(logs_[1], text + "\n"); },
       .is_stop_asked = [this] { return must_stop_.load(std::memory_order_relaxed); }});
  if (code_ == kGpuFailed) ::_exit(kGaveUp);
  cpu_ms_ = ThreadCpuMs();
  has_ended_ = true;
  const std::uint64_t one = 1;
  (void)!::write(doorbell_, &one, sizeof one);
}

void Lane::Conclude(DataShelf& shelf) {
  if (thread_.joinable()) thread_.join();
  if (loan_) shelf.GiveBack(command_.config.value("data", Json()), is_loaded_);
  loan_.reset();
  Close(logs_[0]);  // before its end is told: who reads the log then finds all of it
  Close(logs_[1]);
  SendTo(connection_, fmt::format("end {} {}\n", code_, cpu_ms_));
}

// Nobody reads it any more: then somebody ends the lane too.
void Lane::Write(int descriptor, const std::string& text) const {
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace ddl
