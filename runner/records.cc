// SPDX-License-Identifier: Apache-2.0
#include "runner/records.h"

#include "configs/error.h"
#include "configs/json.h"

namespace ddl {

namespace {

Json ToJson(const CoreShare& share) {
  return Json::array({share.core, share.first, share.length});
}

Json ToJson(const GpuShare& share) {
  return Json::array({share.uuid, share.index, share.first, share.length});
}

template <class Share>
Json ToJson(const std::vector<Share>& shares) {
  Json list = Json::array();
  for (const Share& share : shares) {
    list.push_back(ToJson(share));
  }
  return list;
}

std::vector<CoreShare> CoresFromJson(const Json& list) {
  std::vector<CoreShare> shares;
  for (const Json& item : list) {
    shares.push_back({.core = WholeNumber<int>(item.at(0)),
                      .first = WholeNumber<int>(item.at(1)),
                      .length = WholeNumber<int>(item.at(2))});
  }
  return shares;
}

std::vector<GpuShare> GpusFromJson(const Json& list) {
  std::vector<GpuShare> shares;
  for (const Json& item : list) {
    shares.push_back({.uuid = item.at(0).get<std::string>(),
                      .index = WholeNumber<int>(item.at(1)),
                      .first = WholeNumber<int>(item.at(2)),
                      .length = WholeNumber<int>(item.at(3))});
  }
  return shares;
}

Json ToJson(const ProcessIdentity& process) {
  return {{"boot_id", process.boot_id}, {"pid", process.pid}, {"start_ticks", process.start_ticks}};
}

ProcessIdentity IdentityFromJson(const Json& json) {
  return {.boot_id = json.at("boot_id").get<std::string>(),
          .pid = WholeNumber<std::int64_t>(json.at("pid")),
          .start_ticks = WholeNumber<std::uint64_t>(json.at("start_ticks"))};
}

// The fields every record begins with.
Json Begin(RankId id, const std::string& token) {
  return {{"job", id.job.value}, {"rank", id.rank}, {"token", token}};
}

RankId RankFromJson(const Json& json) {
  return {.job = JobId{WholeNumber<std::int64_t>(json.at("job"))},
          .rank = WholeNumber<int>(json.at("rank"))};
}

StartRecord StartOf(const Json& json) {
  return {.id = RankFromJson(json),
          .token = json.at("token").get<std::string>(),
          .supervisor = IdentityFromJson(json.at("supervisor")),
          .pid = WholeNumber<std::int64_t>(json.at("pid")),
          .started_unix_ms = WholeNumber<std::int64_t>(json.at("started_unix_ms"))};
}

EndCause CauseOf(const Json& json) {
  const auto name = json.get<std::string>();
  if (const std::optional<EndCause> cause = ParseEndCause(name)) return *cause;
  throw Error("no cause of an end: " + name, "record", "");
}

ExitRecord ExitOf(const Json& json) {
  return {.id = RankFromJson(json),
          .token = json.at("token").get<std::string>(),
          .cause = CauseOf(json.at("cause")),
          .exit_code = WholeNumber<int>(json.at("exit_code")),
          .signal = WholeNumber<int>(json.at("signal")),
          .detail = json.at("detail").get<std::string>(),
          .ended_unix_ms = WholeNumber<std::int64_t>(json.at("ended_unix_ms")),
          .wall_ms = WholeNumber<std::int64_t>(json.at("wall_ms")),
          .cpu_ms = WholeNumber<std::int64_t>(json.at("cpu_ms")),
          .peak_memory_kib = WholeNumber<std::int64_t>(json.at("peak_memory_kib")),
          .last_seq = WholeNumber<std::int64_t>(json.at("last_seq")),
          .log_bytes = WholeNumber<std::int64_t>(json.at("log_bytes")),
          .log_bytes_dropped = WholeNumber<std::int64_t>(json.at("log_bytes_dropped")),
          .metric_names = json.at("metric_names").get<std::vector<std::string>>(),
          .metric_names_refused = WholeNumber<std::int64_t>(json.at("metric_names_refused")),
          .failure = json.value("failure", ""),
          .failure_line = json.value("failure_line", "")};
}

SlotBusy ReadBusy(const Json& json) {
  return {.id = RankFromJson(json),
          .token = json.at("token").get<std::string>(),
          .holder = json.at("holder").get<std::string>(),
          .cores = CoresFromJson(json.at("cores")),
          .gpus = GpusFromJson(json.at("gpus"))};
}

template <class Read>
auto Guarded(std::string_view text, Read read) -> std::optional<decltype(read(Json()))> {
  try {
    return read(ParseJson(text, "record"));
  } catch (const Error&) {
    return std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

std::string ToJsonText(const StartRecord& record) {
  Json json = Begin(record.id, record.token);
  json["supervisor"] = ToJson(record.supervisor);
  json["pid"] = record.pid;
  json["started_unix_ms"] = record.started_unix_ms;
  return DumpJson(json);
}

std::string ToJsonText(const ExitRecord& record) {
  Json json = Begin(record.id, record.token);
  json["cause"] = ToString(record.cause);
  json["exit_code"] = record.exit_code;
  json["signal"] = record.signal;
  json["detail"] = record.detail;
  json["ended_unix_ms"] = record.ended_unix_ms;
  json["wall_ms"] = record.wall_ms;
  json["cpu_ms"] = record.cpu_ms;
  json["peak_memory_kib"] = record.peak_memory_kib;
  json["last_seq"] = record.last_seq;
  json["log_bytes"] = record.log_bytes;
  json["log_bytes_dropped"] = record.log_bytes_dropped;
  json["metric_names"] = record.metric_names;
  json["metric_names_refused"] = record.metric_names_refused;
  if (!record.failure.empty() || !record.failure_line.empty()) {
    json["failure"] = record.failure;
    json["failure_line"] = record.failure_line;
  }
  return DumpJson(json);
}

std::string ToJsonText(const SlotBusy& busy) {
  Json json = Begin(busy.id, busy.token);
  json["holder"] = busy.holder;
  json["cores"] = ToJson(busy.cores);
  json["gpus"] = ToJson(busy.gpus);
  return DumpJson(json);
}

std::optional<StartRecord> StartRecordFromJson(std::string_view text) {
  return Guarded(text, StartOf);
}

std::optional<ExitRecord> ExitRecordFromJson(std::string_view text) {
  return Guarded(text, ExitOf);
}

std::optional<SlotBusy> SlotBusyFromJson(std::string_view text) {
  return Guarded(text, ReadBusy);
}

}  // namespace ddl
