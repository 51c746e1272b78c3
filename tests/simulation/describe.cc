// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/describe.h"

#include <fmt/format.h>

#include "scheduler/slots_json.h"

namespace ddl::simulation {

namespace {

std::string Text(const std::vector<MetricReport>& reports) {
  std::string text;
  for (const MetricReport& report : reports) {
    text += fmt::format(" {}", report.seq);
    for (const auto& [name, value] : report.values)
      text += fmt::format(":{}={}", name, value);
  }
  return text;
}

std::string Text(const ExitRecord& record) {
  return fmt::format("exited job {}: {} code {} signal {} after {} ms, {} reports",
                     record.id.job.value, ToString(record.cause), record.exit_code, record.signal,
                     record.wall_ms, record.last_seq);
}

// ---- events
std::string Words(const SweepOpened& e) {
  return fmt::format("open {} {} {} {}", e.spec.name, e.history ? "again" : "anew", e.may_launch,
                     e.retry_failed);
}
std::string Words(const SpecChanged& e) {
  return fmt::format("spec of {} changed, retry failed {}", e.sweep.value, e.retry_failed);
}
std::string Words(const HostUp& e) {
  std::string text = fmt::format("host {} up, boot {}, found", e.name, e.facts.boot_id);
  for (const FoundRank& found : e.found)
    text += fmt::format(" {}:{}", found.id.job.value, static_cast<int>(found.state));
  return text;
}
std::string Words(const HostChanged& e) {
  return fmt::format("host {} changed", e.host);
}
std::string Words(const HostDown& e) {
  return fmt::format("host {} down", e.host);
}
std::string Words(const CodeReady& e) {
  return fmt::format("code {} is ready", e.code);
}
std::string Words(const CheckpointFetched& e) {
  return fmt::format("checkpoint of trial {} attempt {}: {} {} {}", e.number, e.attempt, e.code,
                     e.is_missing, e.problem);
}
std::string Words(const CodeAwaited& e) {
  return fmt::format("code {}{}", e.code, e.why);
}
std::string Words(const HostSilent& e) {
  return fmt::format("host {} silent", e.host);
}
std::string Words(const RankStarted& e) {
  return fmt::format("host {} started job {} pid {}", e.host, e.record.id.job.value, e.record.pid);
}
std::string Words(const RankSlotBusy& e) {
  return fmt::format("host {} busy for job {}: {}", e.host, e.busy.id.job.value, e.busy.holder);
}
std::string Words(const MetricsArrived& e) {
  return fmt::format("host {} metrics of job {}:{}", e.host, e.metrics.id.job.value,
                     Text(e.metrics.reports));
}
std::string Words(const RankExited& e) {
  return Text(e.record);
}
std::string Words(const Proposed& e) {
  return fmt::format("proposed {} from {} for {}", e.configurations.size(), e.first, e.sweep.value);
}
std::string Words(const BackupMade& e) {
  return fmt::format("backup of {}", e.marks.size());
}
std::string Words(const EpochPassed& e) {
  return fmt::format("passed by a host, epoch {} from now on", e.epoch);
}
std::string Words(const Tick&) {
  return "tick";
}
std::string Words(const UserAsked& e) {
  std::string text =
      fmt::format("user asks {} of sweep {}", static_cast<int>(e.verb), e.sweep.value);
  for (const std::int64_t number : e.trials)
    text += fmt::format(" {}", number);
  return text;
}

// ---- changes
std::string Words(const SweepAdded& c) {
  return fmt::format("sweep {} {} {}", c.id.value, c.name, c.trials_planned);
}
std::string Words(const SweepChanged& c) {
  return fmt::format("sweep {} is {} {}: {}", c.id.value, ToString(c.state), ToString(c.outcome),
                     c.reason);
}
std::string Words(const TrialAdded& c) {
  return fmt::format("trial {} is {}/{} {}", c.id.value, c.sweep.value, c.number, c.params_json);
}
std::string Words(const AttemptAdded& c) {
  return fmt::format("attempt {}.{} job {} token {} on {} {}", c.trial.value, c.attempt,
                     c.job.value, c.token, c.host, c.slots_json);
}
std::string Words(const AttemptStarted& c) {
  return fmt::format("attempt {}.{} started", c.trial.value, c.attempt);
}
std::string Words(const AttemptEnded& c) {
  return fmt::format("attempt {}.{} ended: {} {} {} {}", c.trial.value, c.attempt,
                     ToString(c.cause), c.exit_code, c.signal, c.detail);
}
std::string Words(const TrialMoved& c) {
  return fmt::format("trial {} is {}{}: {}", c.trial.value, ToString(c.to),
                     c.reopened ? " again" : "", c.reason);
}
std::string Words(const TrialWanted& c) {
  return fmt::format("trial {} wanted \"{}\"", c.trial.value, c.wanted);
}
std::string Words(const MetricsAdded& c) {
  return fmt::format("metrics of job {}:{}", c.rank.job.value, Text(c.reports));
}
std::string Words(const EpochRaised& c) {
  return fmt::format("epoch {}", c.epoch);
}
std::string Words(const EventNoted& c) {
  return c.text;
}
std::string Words(const SearchAsked& c) {
  return fmt::format("search of {} asked for {}, step {}", c.sweep.value, c.configuration, c.step);
}
std::string Words(const SearchProposed& c) {
  return fmt::format("search of {} proposed {}, step {}", c.sweep.value, c.params_json, c.step);
}
std::string Words(const SearchTold& c) {
  return fmt::format("search of {} told {} of {}, step {}", c.sweep.value, c.outcome_json,
                     c.configuration, c.step);
}

// ---- messages
std::string Words(const Hello& m) {
  return fmt::format("hello epoch {}", m.epoch);
}
std::string Words(const Launch& m) {
  return fmt::format("launch job {} {}/{}.{} {}", m.record.id.job.value, m.record.sweep,
                     m.record.trial_number, m.record.attempt, m.record.params_json);
}
std::string Words(const Adopt& m) {
  return fmt::format("adopt job {} after {}", m.id.job.value, m.committed_seq);
}
std::string Words(const Order& m) {
  return fmt::format("order {} job {}", static_cast<int>(m.kind), m.id.job.value);
}
std::string Words(const Ack& m) {
  return fmt::format("ack {} job {}{}", m.seq, m.id.job.value, m.saved ? " saved" : "");
}
std::string Words(const Settled& m) {
  return fmt::format("settled job {}", m.id.job.value);
}
std::string Words(const Recall& m) {
  return fmt::format("recall job {}", m.id.job.value);
}
std::string Words(const GetFile&) {
  return "get file";
}
std::string Words(const PutFile&) {
  return "put file";
}
std::string Words(const OfferCode&) {
  return "offer code";
}
std::string Words(const CodeBytes&) {
  return "code bytes";
}
std::string Words(const Heartbeat&) {
  return "heartbeat";
}
std::string Words(const Welcome& m) {
  return fmt::format("welcome, found {}", m.found.size());
}
std::string Words(const Refused& m) {
  return fmt::format("refused: {}", m.reason);
}
std::string Words(const Started& m) {
  return fmt::format("started job {}", m.record.id.job.value);
}
std::string Words(const SlotBusy& m) {
  return fmt::format("busy job {}", m.id.job.value);
}
std::string Words(const Metrics& m) {
  return fmt::format("metrics of job {}:{}", m.id.job.value, Text(m.reports));
}
std::string Words(const Exited& m) {
  return Text(m.record);
}
std::string Words(const FileChunk&) {
  return "file chunk";
}
std::string Words(const PutFileReply&) {
  return "put file reply";
}
std::string Words(const Notice& m) {
  return m.text;
}
std::string Words(const CodeNews&) {
  return "code news";
}
std::string Words(const FactsChanged& m) {
  return fmt::format("{} cores", m.facts.cores.size());
}

template <class Variant>
std::string Visit(const Variant& variant) {
  return std::visit([](const auto& what) { return Words(what); }, variant);
}

}  // namespace

std::string Describe(const Event& event) {
  return Visit(event);
}

std::string Describe(const Change& change) {
  return Visit(change);
}

std::string Describe(const ToHost& message) {
  return Visit(message);
}

std::string Describe(const FromHost& message) {
  return Visit(message);
}

}  // namespace ddl::simulation
