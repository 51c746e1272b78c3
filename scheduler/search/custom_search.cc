// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/custom_search.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "configs/conditions.h"
#include "configs/error.h"
#include "configs/json.h"
#include "runner/dialogue.h"
#include "scheduler/search/learning_search.h"
#include "scheduler/search/own_answer.h"

namespace ddl {

namespace {

constexpr std::size_t kShownAnswer = 200;  // bytes of an answer that a message shows

std::string Shown(const std::string& answer) {
  const bool is_cut = answer.size() > kShownAnswer;
  return DumpJson(Json(answer.substr(0, kShownAnswer) + (is_cut ? "…" : "")));
}

class CustomSearch : public AdaptiveSearch {
 public:
  CustomSearch(const SweepSpec& spec, std::int64_t budget, std::stop_token stop)
      : space_(spec.space),
        constraints_(spec.constraints),
        conditions_(spec.space, spec.constraints),
        objectives_(spec.objectives),
        program_{spec.own_search->command, spec.env, spec.workdir},
        timeout_(spec.own_search->timeout),
        stop_(std::move(stop)) {
    if (objectives_.empty() && spec.metric) objectives_.push_back(*spec.metric);
    Say(Begin(spec, budget));
  }

  std::optional<Configuration> Propose(std::int64_t number) override {
    if (is_exhausted_) return std::nullopt;
    Say({{"ask", number}});
    if (!dialogue_) dialogue_.emplace(program_);
    const DialogueAnswer heard = dialogue_->Ask(unsaid_, timeout_, stop_);
    unsaid_ = {};
    if (!heard.line) throw Failure(heard.problem);
    return Read(number, *heard.line);
  }

  [[nodiscard]] bool IsExhausted() const override { return is_exhausted_; }

  void Take(std::int64_t number, const Configuration& configuration) override {
    Say({{"take", {{"number", number}, {"configuration", configuration}}}});
  }

  void Tell(std::int64_t number, const Outcome& outcome) override {
    Outcome in_its_terms = outcome;
    for (std::size_t i = 0; i < in_its_terms.values.size(); ++i) {
      if (objectives_[i].goal == Goal::kMaximize) in_its_terms.values[i] *= -1;
    }
    Json told = ParseJson(ToText(in_its_terms), "an outcome");
    told["number"] = number;
    Say({{"tell", std::move(told)}});
  }

 private:
  [[nodiscard]] Json Begin(const SweepSpec& spec, std::int64_t budget) const {
    Json goals = Json::array();
    for (const Metric& metric : objectives_) {
      goals.push_back({{"name", metric.name},
                       {"goal", metric.goal == Goal::kMaximize ? "maximize" : "minimize"}});
    }
    return {{"begin",
             {{"parameters", DescribeSpace(space_)},
              {"constraints", constraints_},
              {"objectives", std::move(goals)},
              {"seed", spec.search_seed},
              {"budget", budget > 0 ? Json(budget) : Json()}}}};
  }

  void Say(const Json& line) { unsaid_ += DumpJson(line) + "\n"; }

  [[nodiscard]] Error Failure(const std::string& what) const {
    return {fmt::format("{}: {}", program_.argv.front(), what), "", "mend the program of search",
            ErrorKind::kInfrastructure};
  }

  [[nodiscard]] std::optional<Configuration> Read(std::int64_t number, const std::string& line) {
    try {
      const Json answer = ParseJson(line, "");
      const bool is_one = answer.is_object() && answer.size() == 1;
      if (is_one && answer.contains("configuration")) {
        return CheckedConfiguration(space_, conditions_, constraints_, answer.at("configuration"));
      }
      is_exhausted_ = is_one && answer.contains("exhausted") && answer.at("exhausted") == true;
      if (is_exhausted_) return std::nullopt;
    } catch (const Error& problem) {
      throw Failure(fmt::format("its answer to {{\"ask\":{}}} is of no use: {}: {}", number,
                                problem.Message(), Shown(line)));
    }
    throw Failure(
        fmt::format("its answer to {{\"ask\":{}}} is neither {{\"configuration\":{{…}}}} "
                    "nor {{\"exhausted\":true}}: {}",
                    number, Shown(line)));
  }

  Space space_;
  std::vector<std::string> constraints_;
  Conditions conditions_;
  std::vector<Metric> objectives_;
  DialogueProgram program_;
  std::chrono::milliseconds timeout_;
  std::stop_token stop_;
  std::string unsaid_;  // lines that no question has carried yet
  std::optional<Dialogue> dialogue_;
  bool is_exhausted_ = false;
};

}  // namespace

std::unique_ptr<AdaptiveSearch> MakeCustomSearch(const SweepSpec& spec, std::int64_t budget,
                                                 std::stop_token stop) {
  return std::make_unique<CustomSearch>(spec, budget, std::move(stop));
}

}  // namespace ddl
