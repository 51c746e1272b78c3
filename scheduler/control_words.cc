// SPDX-License-Identifier: Apache-2.0
#include "scheduler/control_words.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"

namespace ddl {

namespace {

constexpr std::array<std::pair<UserVerb, std::string_view>, 12> kVerbs{{
    {UserVerb::kStop, "stop"},
    {UserVerb::kPause, "pause"},
    {UserVerb::kResume, "resume"},
    {UserVerb::kRetry, "retry"},
    {UserVerb::kExtend, "extend"},
    {UserVerb::kExplain, "explain"},
    {UserVerb::kShutdown, "shutdown"},
    {UserVerb::kListHosts, "list-hosts"},
    {UserVerb::kDrainHost, "drain-host"},
    {UserVerb::kResumeHost, "resume-host"},
    {UserVerb::kAddHost, "add-host"},
    {UserVerb::kRemoveHost, "remove-host"},
}};

UserVerb VerbOf(const std::string& name) {
  const auto found =
      std::ranges::find(kVerbs, name, [](const auto& entry) { return entry.second; });
  if (found == kVerbs.end()) {
    throw Error(fmt::format("unknown verb \"{}\"", name), "control socket",
                "use a ddl of the coordinator's version");
  }
  return found->first;
}

std::string_view NameOf(UserVerb verb) {
  return std::ranges::find(kVerbs, verb, [](const auto& entry) { return entry.first; })->second;
}

Json Encode(const OpenWord& word) {
  return {{"op", "open"}, {"request", ToJson(word.request)}};
}

Json Encode(const WatchWord& word) {
  return {{"op", "watch"}, {"sweep", word.sweep}};
}

Json Encode(const ActWord& word) {
  Json json{{"op", "act"},
            {"sweep", word.sweep},
            {"verb", NameOf(word.acts.verb)},
            {"trials", word.acts.trials}};
  if (word.acts.extend_by) json["extend_by"] = *word.acts.extend_by;
  if (!word.acts.host.empty()) json["host"] = word.acts.host;
  if (!word.acts.reason.empty()) json["reason"] = word.acts.reason;
  if (word.acts.entry) json["entry"] = ToJson(*word.acts.entry);
  return json;
}

ActWord DecodeAct(const Json& json) {
  ActWord word;
  word.sweep = json.at("sweep").get<std::string>();
  word.acts.verb = VerbOf(json.at("verb").get<std::string>());
  const Json& trials = json.at("trials");
  if (!trials.is_array()) ThrowNotWhole(trials);
  for (const Json& trial : trials) {
    word.acts.trials.push_back(WholeNumber<std::int64_t>(trial));
  }
  if (json.contains("extend_by")) {
    word.acts.extend_by = WholeNumber<std::int64_t>(json["extend_by"]);
  }
  word.acts.host = json.value("host", "");
  word.acts.reason = json.value("reason", "");
  if (json.contains("entry")) word.acts.entry = HostEntryFromJson(json["entry"]);
  return word;
}

}  // namespace

std::string EncodeWord(const ControlWord& word) {
  return DumpJson(std::visit([](const auto& alternative) { return Encode(alternative); }, word));
}

ControlWord DecodeWord(const std::string& line) {
  const Json json = ParseJson(line, "control socket");
  try {
    const auto op = json.at("op").get<std::string>();
    if (op == "open") return OpenWord{SweepRequestFromJson(json.at("request"))};
    if (op == "watch") return WatchWord{json.at("sweep").get<std::string>()};
    if (op == "act") return DecodeAct(json);
    throw Error(fmt::format("unknown word \"{}\"", op), "control socket",
                "use a ddl of the coordinator's version");
  } catch (const Json::exception& problem) {
    throw Error(problem.what(), "control socket", "use a ddl of the coordinator's version");
  }
}

}  // namespace ddl
