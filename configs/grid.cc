// SPDX-License-Identifier: Apache-2.0
#include "configs/grid.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <numeric>
#include <utility>

#include "configs/sampling.h"

namespace ddl {

namespace {

constexpr std::int32_t kNoStep = -1;
constexpr std::int64_t kMostGridWork = 2'000'000;  // values tried and steps of expressions, in all
constexpr std::int64_t kMostSize = std::int64_t{1} << 62U;

// Sets that are joined one by one.
class Groups {
 public:
  explicit Groups(std::size_t count) : above_(count) { std::iota(above_.begin(), above_.end(), 0); }
  std::size_t Of(std::size_t i) {
    while (above_[i] != i) {
      i = above_[i] = above_[above_[i]];
    }
    return i;
  }
  void Join(std::size_t a, std::size_t b) {
    const std::size_t first = Of(a);
    const std::size_t second = Of(b);
    above_[std::max(first, second)] = std::min(first, second);
  }

 private:
  std::vector<std::size_t> above_;
};

}  // namespace

// Goes through the combinations of one factor, depth first, and turns back where a constraint
// forbids what stands so far.
class Grid::Walk {
 public:
  Walk(Grid& grid, Factor& factor, std::int64_t& work)
      : grid_(grid), factor_(factor), work_(work), values_(grid.space_.size()) {
    const std::size_t count = factor.parameters.size();
    levels_.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      place_[factor.parameters[i]] = i;
    }
    for (std::size_t i = 0; i < grid.conditions_.Constraints(); ++i) {
      const std::vector<std::size_t> names = grid.conditions_.NamesOf(i);
      if (!names.empty() && place_.contains(names.front())) {
        levels_[LastOf(names)].constraints.push_back(i);
      }
    }
  }

  // False: too many.
  bool Go() {
    std::size_t level = 0;
    Enter(level);
    while (true) {
      if (work_ > kMostGridWork) return false;
      if (levels_[level].next == levels_[level].count) {
        values_[factor_.parameters[level]] = nullptr;
        if (level == 0) return true;
        --level;
        continue;
      }
      if (!Try(level)) continue;
      if (level + 1 == levels_.size()) {
        Record();
        continue;
      }
      Enter(++level);
    }
  }

 private:
  struct Level {
    std::vector<std::size_t> constraints{};  // that can be judged from here on
    bool is_active = true;
    std::int64_t count = 0;
    std::int64_t next = 0;
    std::int32_t step = 0;
    Json value{};
  };

  std::size_t LastOf(const std::vector<std::size_t>& parameters) const {
    std::size_t last = 0;
    for (const std::size_t parameter : parameters) {
      last = std::max(last, place_.at(parameter));
    }
    return last;
  }

  void Enter(std::size_t level) {
    const std::size_t parameter = factor_.parameters[level];
    const Parameter& p = grid_.space_[parameter];
    const Conditions::Judgement active = grid_.conditions_.IsActive(parameter, values_);
    Level& at = levels_[level];
    at.is_active = active.holds && (!p.zipped_to || StepOf(*p.zipped_to) != kNoStep);
    at.next = 0;
    at.count = at.is_active && p.expr.empty() && !p.zipped_to ? GridSteps(p) : 1;
    if (!HasResult(active)) at.count = 0;
  }

  // Takes the next value; false: nothing comes of it.
  bool Try(std::size_t level) {
    const std::size_t parameter = factor_.parameters[level];
    const Parameter& p = grid_.space_[parameter];
    Level& at = levels_[level];
    ++work_;
    at.step = at.is_active ? static_cast<std::int32_t>(at.next) : kNoStep;
    ++at.next;
    bool is_there = at.is_active;
    if (at.is_active && !p.expr.empty()) {
      const Conditions::Judgement derived = grid_.conditions_.Derive(parameter, values_, at.value);
      if (!HasResult(derived)) return false;
      is_there = derived.holds;
    } else if (at.is_active) {
      if (p.zipped_to) at.step = StepOf(*p.zipped_to);
      at.value = GridValue(p, at.step);
    }
    values_[parameter] = is_there ? &at.value : nullptr;
    return std::ranges::all_of(at.constraints, [this](std::size_t constraint) {
      const Conditions::Judgement judgement = grid_.conditions_.Holds(constraint, values_);
      return HasResult(judgement) && judgement.holds;
    });
  }

  [[nodiscard]] std::int32_t StepOf(std::size_t parameter) const {
    return levels_[place_.at(parameter)].step;
  }

  // Remembers the first one that has none.
  bool HasResult(const Conditions::Judgement& judgement) {
    work_ += judgement.steps;
    if (!judgement.objection) return true;
    if (grid_.fault_) return false;
    Configuration at = Json::object();
    for (const std::size_t parameter : factor_.parameters) {
      if (values_[parameter] == nullptr) continue;
      at[grid_.space_[parameter].Name()] = *values_[parameter];
    }
    grid_.fault_ = Fault{*judgement.objection, std::move(at)};
    return false;
  }

  void Record() {
    for (const Level& level : levels_) {
      factor_.steps.push_back(level.step);
    }
    ++factor_.size;
  }

  Grid& grid_;
  Factor& factor_;
  std::int64_t& work_;
  Conditions::Values values_;
  std::vector<Level> levels_;
  std::map<std::size_t, std::size_t> place_;  // level by parameter
};

Grid::Grid(const Space& space, const std::vector<std::string>& constraints)
    : space_(space), conditions_(space, constraints), factors_(FactorsOf()) {
  std::int64_t work = 0;
  for (std::size_t i = 0; i < conditions_.Constraints(); ++i) {
    if (!conditions_.NamesOf(i).empty()) continue;
    const Conditions::Judgement judgement = conditions_.Holds(i, Conditions::Values(space_.size()));
    if (judgement.holds) continue;
    if (judgement.objection) fault_ = Fault{*judgement.objection, Json::object()};
    factors_.push_back({.is_free = false, .size = 0});  // false everywhere
  }
  for (Factor& factor : factors_) {
    if (factor.is_free || factor.parameters.empty()) continue;
    factor.size = 0;
    if (Walk(*this, factor, work).Go()) continue;
    for (const std::size_t parameter : factor.parameters) {
      too_tied_.push_back(space_[parameter].Name());
    }
    factor.size = 0;
    return;
  }
}

std::vector<Grid::Factor> Grid::FactorsOf() const {
  Groups groups(space_.size());
  std::vector<bool> is_free(space_.size(), true);
  for (std::size_t i = 0; i < space_.size(); ++i) {
    const Parameter& p = space_[i];
    is_free[i] = p.when.empty() && p.expr.empty();
    if (p.zipped_to) groups.Join(i, *p.zipped_to);
    for (const std::size_t need : conditions_.NeedsOf(i)) {
      groups.Join(i, need);
    }
  }
  for (std::size_t i = 0; i < conditions_.Constraints(); ++i) {
    const std::vector<std::size_t> names = conditions_.NamesOf(i);
    for (const std::size_t name : names) {
      groups.Join(names.front(), name);
      is_free[name] = false;
    }
  }
  std::map<std::size_t, Factor> by_first;
  for (const std::size_t i : conditions_.Order()) {
    Factor& factor = by_first[groups.Of(i)];
    factor.parameters.push_back(i);
    factor.is_free = is_free[i] && factor.parameters.size() == 1;
    if (factor.is_free) factor.size = GridSteps(space_[i]);
  }
  std::vector<Factor> factors;
  for (auto& [first, factor] : by_first) {
    factors.push_back(std::move(factor));
  }
  return factors;
}

std::optional<std::int64_t> Grid::Size() const {
  std::int64_t size = 1;
  bool is_beyond = false;
  for (const Factor& factor : factors_) {
    if (factor.size == 0) return 0;
    is_beyond = is_beyond || size > kMostSize / factor.size;
    size *= is_beyond ? 1 : factor.size;
  }
  return is_beyond ? std::nullopt : std::optional(size);
}

Configuration Grid::Point(std::int64_t index) const {
  Configuration configuration = Json::object();
  for (auto factor = factors_.rbegin(); factor != factors_.rend(); ++factor) {
    assert(factor->size > 0);
    const std::int64_t point = index % factor->size;
    index /= factor->size;
    const std::size_t count = factor->parameters.size();
    for (std::size_t i = 0; i < count; ++i) {
      const Parameter& p = space_[factor->parameters[i]];
      const std::int64_t step =
          factor->is_free ? point : factor->steps[static_cast<std::size_t>(point) * count + i];
      if (step != kNoStep) configuration[p.Name()] = GridValue(p, step);
    }
  }
  return conditions_.Complete(std::move(configuration));
}

std::optional<std::int64_t> Grid::IndexOf(const Configuration& complete) const {
  std::int64_t index = 0;
  for (const Factor& factor : factors_) {
    std::vector<std::int32_t> steps;
    std::int64_t point = 0;
    for (const std::size_t i : factor.parameters) {
      const Parameter& p = space_[i];
      const auto found = complete.find(p.Name());
      const bool is_derived = !p.expr.empty();
      std::optional<std::int64_t> step = is_derived ? 0 : kNoStep;
      if (found != complete.end() && !is_derived) step = GridStepOf(p, *found);
      if (!step) return std::nullopt;
      steps.push_back(static_cast<std::int32_t>(*step));
      point = *step;
    }
    if (!factor.is_free) {
      const std::optional<std::int64_t> row = RowOf(factor, steps);
      if (!row) return std::nullopt;
      point = *row;
    }
    if (point < 0) return std::nullopt;
    const bool is_beyond = __builtin_mul_overflow(index, factor.size, &index) ||
                           __builtin_add_overflow(index, point, &index);
    if (is_beyond) return std::nullopt;
  }
  return index;
}

// By its values alone: an inactive derived parameter has a step of its own, and zipped ones have
// that of the first.
std::optional<std::int64_t> Grid::RowOf(const Factor& factor,
                                        const std::vector<std::int32_t>& steps) const {
  const std::size_t count = factor.parameters.size();
  for (std::int64_t row = 0; row < factor.size; ++row) {
    const std::int32_t* at = factor.steps.data() + static_cast<std::size_t>(row) * count;
    bool is_it = true;
    for (std::size_t i = 0; i < count && is_it; ++i) {
      const Parameter& p = space_[factor.parameters[i]];
      const bool is_absent = steps[i] == kNoStep;
      is_it = !p.expr.empty() ||
              (is_absent ? at[i] == kNoStep
                         : at[i] != kNoStep && GridValue(p, at[i]) == GridValue(p, steps[i]));
    }
    if (is_it) return row;
  }
  return std::nullopt;
}

}  // namespace ddl
