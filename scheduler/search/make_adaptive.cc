// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/make_adaptive.h"

#include <utility>

#include "scheduler/search/auto.h"
#include "scheduler/search/cmaes.h"
#include "scheduler/search/gp.h"
#include "scheduler/search/nsga2.h"
#include "scheduler/search/tpe.h"

namespace ddl {

namespace {

// What was chosen, which says why.
class ChosenSearch : public AdaptiveSearch {
 public:
  ChosenSearch(MethodChoice choice, SearchProblem problem)
      : choice_(std::move(choice)),
        method_(MakeAdaptiveSearch(choice_.method, std::move(problem))) {}

  std::optional<Configuration> Propose(std::int64_t number) override {
    return method_->Propose(number);
  }
  [[nodiscard]] bool IsExhausted() const override { return method_->IsExhausted(); }
  void Take(std::int64_t number, const Configuration& configuration) override {
    method_->Take(number, configuration);
  }
  void Tell(std::int64_t number, const Outcome& outcome) override {
    method_->Tell(number, outcome);
  }
  [[nodiscard]] std::string Note() const override {
    const std::string note = method_->Note();
    return "auto chooses " + std::string(choice_.method) + ": " + choice_.why +
           (note.empty() ? "" : "; " + note);
  }

 private:
  MethodChoice choice_;
  std::unique_ptr<AdaptiveSearch> method_;
};

}  // namespace

std::unique_ptr<AdaptiveSearch> MakeAdaptiveSearch(std::string_view method, SearchProblem problem) {
  if (method == "auto") {
    return std::make_unique<ChosenSearch>(ChooseMethod(problem), std::move(problem));
  }
  if (method == "tpe") return MakeTpe(std::move(problem));
  if (method == "gp") return MakeGp(std::move(problem));
  if (method == "cmaes") return MakeCmaes(std::move(problem));
  if (method == "nsga2") return MakeNsga2(std::move(problem));
  return nullptr;
}

}  // namespace ddl
