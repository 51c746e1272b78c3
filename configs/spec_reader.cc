// SPDX-License-Identifier: Apache-2.0
#include "configs/spec_reader.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configs/command_reader.h"
#include "configs/error.h"
#include "configs/method_reader.h"
#include "configs/pbt_reader.h"
#include "configs/space_reader.h"
#include "configs/spec_errors.h"
#include "configs/spec_keys.h"
#include "configs/spec_overrides.h"
#include "configs/spec_sections.h"
#include "configs/ssh_address.h"
#include "configs/trainer_reader.h"

namespace ddl {

namespace {

namespace fs = std::filesystem;

// Reads the top of a spec; each member reads one key.
class SpecBuilder {
 public:
  SpecBuilder(const ReadOptions& options, SpecErrors& errors)
      : options_(options), errors_(errors) {}

  void Read(const SpecNode& root) {
    root_ = &root;
    spec.workdir = options_.base_folder;
    ReadKeys(root, "the spec", Keys(), errors_);
    Complete();
  }
  // The names stay beyond the builder's life.
  std::vector<SpecKey> Keys() {
    std::vector<SpecKey> keys{
        {"name", Text(spec.name, "name")},
        {"description", Text(spec.description, "description")},
        {"program", Text(spec.program, "program")},
        {"command", [this](const SpecNode& n) { spec.command = ReadCommand(n, errors_); }},
        {"trainer", [this](const SpecNode& n) { ReadTrainer(n); }},
        {"method", [this](const SpecNode& n) { TakeMethod(n); }},
        {"search", [](const SpecNode&) {}},  // means something with its method: Complete
        {"metric", [this](const SpecNode& n) { spec.metric = ReadMetric(n, errors_, ignored_); }},
        {"metrics", [this](const SpecNode& n) { spec.objectives = ReadMetrics(n, errors_); }},
        {"parameters", [this](const SpecNode& n) { space_.parameters = &n; }},
        {"constraints", [this](const SpecNode& n) { space_.constraints = &n; }},
        {"zip", [this](const SpecNode& n) { space_.zip = &n; }},
        {"initial_points", [this](const SpecNode& n) { space_.initial_points = &n; }},
        {"warm_start",
         [this](const SpecNode& n) {
           spec.warm_start = ReadWarmStart(n, options_.base_folder, errors_);
         }},
        {"limits", [this](const SpecNode& n) { spec.limits = ReadLimits(n, errors_); }},
        {"resources", [this](const SpecNode& n) { spec.resources = ReadResources(n, errors_); }},
        {"hosts",
         [this](const SpecNode& n) { spec.hosts = ReadHosts(n, options_.inventory, errors_); }},
        {"share_busy_gpus",
         [this](const SpecNode& n) {
           spec.share_busy_gpus = ReadBool(n, "share_busy_gpus", errors_).value_or(false);
         }},
        {"results", [this](const SpecNode& n) { spec.results = ReadResults(n, errors_); }},
        {"fusion", [this](const SpecNode& n) { spec.fusion = ReadFusion(n, errors_); }},
        {"early_terminate",
         [this](const SpecNode& n) { spec.early_terminate = ReadEarlyTerminate(n, errors_); }},
        {"failures", [this](const SpecNode& n) { spec.failures = ReadFailures(n, errors_); }},
        {"capture", [this](const SpecNode& n) { spec.captures = ReadCaptures(n, errors_); }},
        {"env", [this](const SpecNode& n) { spec.env = ReadEnv(n, errors_, &spec.secrets); }},
        {"workdir", [this](const SpecNode& n) { ReadWorkdir(n); }},
    };
    std::ranges::move(NumberKeys(), std::back_inserter(keys));
    for (const std::string_view key : kIgnoredKeys) {
      keys.push_back({key, [this, key](const SpecNode&) { ignored_.emplace_back(key); }});
    }
    return keys;
  }

  SweepSpec spec;
  std::vector<std::string> notes;

 private:
  using Read1 = std::function<void(const SpecNode&)>;

  // How many, how long: keys with one number.
  std::vector<SpecKey> NumberKeys() {
    return {
        {"seeds",
         [this](const SpecNode& n) {
           spec.seeds = static_cast<int>(ReadWhole(n, "seeds", 1, errors_).value_or(1));
         }},
        {"search_seed",
         [this](const SpecNode& n) {
           spec.search_seed =
               static_cast<std::uint64_t>(ReadWhole(n, "search_seed", 0, errors_).value_or(0));
         }},
        {"run_cap",
         [this](const SpecNode& n) { spec.run_cap = ReadWhole(n, "run_cap", 1, errors_); }},
        {"parallel",
         [this](const SpecNode& n) {
           if (const auto value = ReadWhole(n, "parallel", 1, errors_)) {
             spec.parallel = static_cast<int>(*value);
           }
         }},
        {"keep", [this](const SpecNode& n) { spec.keep = ReadWhole(n, "keep", 0, errors_); }},
        {"retries",
         [this](const SpecNode& n) {
           spec.retries = static_cast<int>(ReadWhole(n, "retries", 0, errors_).value_or(0));
         }},
        {"timeout_s",
         [this](const SpecNode& n) {
           if (const auto s = ReadPositive(n, "timeout_s", errors_)) {
             spec.timeout = Milliseconds(*s);
           }
         }},
        {"grace_s",
         [this](const SpecNode& n) {
           const auto s = ReadNumber(n, "grace_s", errors_);
           if (s && *s < 0) errors_.Add(n, "grace_s is below 0", "write 0 or more seconds");
           if (s) spec.grace = Milliseconds(*s);
         }},
        {"lost_after_s",
         [this](const SpecNode& n) {
           if (const auto s = ReadPositive(n, "lost_after_s", errors_)) {
             spec.lost_after = Milliseconds(*s);
           }
         }},
        {"fail_fast",
         [this](const SpecNode& n) {
           spec.fail_fast = ReadBool(n, "fail_fast", errors_).value_or(false);
         }},
    };
  }

  Read1 Text(std::string& into, const char* key) {
    return [this, &into, key](const SpecNode& n) { into = ReadText(n, key, errors_).value_or(""); };
  }
  static std::chrono::milliseconds Milliseconds(double seconds) {
    return std::chrono::milliseconds(std::llround(seconds * 1000));
  }

  void ReadTrainer(const SpecNode& node) {
    if (node.kind != SpecNode::Kind::kMap) {
      return errors_.Add(node, "trainer must be a mapping",
                         "write data:, model: and the like below it");
    }
    spec.trainer = ToJson(node);
  }

  void TakeMethod(const SpecNode& node) {
    has_method_ = true;
    const std::optional<Method> method = ReadMethod(node, errors_);
    is_method_built_ = method.has_value();
    spec.method = method.value_or(Method::kGrid);
  }

  void ReadWorkdir(const SpecNode& node) {
    const std::string workdir = ReadText(node, "workdir", errors_).value_or(".");
    spec.workdir = fs::path(options_.base_folder) / workdir;
    spec.snapshot = true;
    if (!fs::is_directory(spec.workdir)) {
      errors_.Add(node, fmt::format("workdir {} is not a directory", workdir),
                  "name one that exists, relative to the spec");
    }
  }

  // Defaults, and what only the whole can tell.
  void Complete() {
    if (spec.name.empty()) spec.name = fs::path(options_.file_name).stem();
    CheckName();
    if (spec.workdir.size() > 1) {
      spec.workdir = fs::path(spec.workdir).lexically_normal().string();
    }
    while (spec.workdir.size() > 1 && spec.workdir.back() == '/') {
      spec.workdir.pop_back();
    }
    // Trials here that say nothing of it run where the spec lies, which costs nothing.
    const auto is_far = [](const std::string& host) { return host != "local"; };
    spec.snapshot = spec.snapshot || std::ranges::any_of(spec.hosts, is_far);
    CompleteMetrics();
    ReadSpace(space_, is_method_built_, spec, errors_, notes);
    CompleteSearch();
    if (!options_.may_run_nothing || root_->Find("command") != nullptr ||
        root_->Find("program") != nullptr || spec.trainer) {
      CompleteCommand(*root_, spec, errors_);
    }
    spec.inventory = EntriesFor(spec.hosts, options_.inventory);
    const std::vector<FailureRule>& further = options_.inventory.failures;
    spec.failures.insert(spec.failures.end(), further.begin(), further.end());
    if (!ignored_.empty()) {
      notes.push_back(
          fmt::format("{}: without meaning offline, ignored", fmt::join(ignored_, ", ")));
    }
    if (!has_method_ && space_.parameters != nullptr) {
      errors_.Add(*root_, "no method", "write method: grid or method: random");
    }
    CompleteTrainer(*root_, spec, errors_);
    if (spec.method == Method::kPbt) CompletePbt(*root_, spec, errors_);
    if (spec.method != Method::kGrid && !spec.run_cap) {
      notes.push_back(fmt::format("no run_cap: {} goes on until `ddl stop`, a limit or its target",
                                  kMethodNames[static_cast<std::size_t>(spec.method)]));
    }
    if (spec.method == Method::kSobol && spec.space.size() > kMostSobolParameters) {
      errors_.Add(*space_.parameters,
                  fmt::format("sobol takes {} parameters at most", kMostSobolParameters),
                  "write method: random");
    }
    if (Learns(spec.method) && !spec.metric) {
      errors_.Add(*root_->Find("method"), "this search learns from a metric",
                  "write metric: {name: …, goal: …}");
    }
    if (spec.seeds > 1 && !spec.metric) {
      errors_.Add(*root_, "seeds need a metric", "write metric: {name: …, goal: …}");
    }
    if (const SpecNode* node = root_->Find("early_terminate"); node != nullptr) {
      CheckEarlyTerminate(*node, spec.metric.has_value(), spec.seeds, root_->Find("method"),
                          errors_);
    }
    if (!spec.trainer && spec.fusion > kWholeFusion) {
      errors_.Add(*root_->Find("fusion"), "only the built-in trainer can be fused",
                  "leave fusion away: programs run in processes of their own");
    }
  }

  void CompleteSearch() {
    const SpecNode* search = root_->Find("search");
    if (search != nullptr && spec.method == Method::kCustom) {
      spec.own_search = ReadOwnSearch(*search, errors_);
    }
    if (spec.method != Method::kPbt) CheckOwnSearch(*root_, errors_);
  }

  // SWEEP/NUMBER names a trial; a line shows a name.
  void CheckName() {
    const auto is_wrong = [](char c) { return c == '/' || static_cast<unsigned char>(c) < 32; };
    if (std::ranges::none_of(spec.name, is_wrong)) return;
    const SpecNode* node = root_->Find("name");
    errors_.Add(node == nullptr ? *root_ : *node, "a name has no slash and no line break",
                "write letters, digits, - and _");
  }

  // What the sweep is judged by, and what it learns from.
  void CompleteMetrics() {
    if (!spec.objectives.empty()) {
      if (spec.metric) {
        errors_.Add(*root_->Find("metrics"), "metrics beside metric",
                    "keep one of them: the first of metrics is the one that trials are ranked by");
      }
      spec.metric = spec.objectives.front();
      const bool takes_one = spec.method == Method::kGp || spec.method == Method::kCmaes;
      if (takes_one && spec.objectives.size() > 1) {
        errors_.Add(*root_->Find("method"), "this search takes one metric", "write method: tpe");
      }
    }
    if (spec.warm_start && is_method_built_ && !Learns(spec.method)) {
      errors_.Add(*root_->Find("warm_start"),
                  fmt::format("{} learns from nothing",
                              kMethodNames[static_cast<std::size_t>(spec.method)]),
                  "leave warm_start away, or choose a method that learns");
    }
  }

  const ReadOptions& options_;
  SpecErrors& errors_;
  const SpecNode* root_ = nullptr;
  SpaceKeys space_;
  bool has_method_ = false;
  bool is_method_built_ = false;  // else what only a grid needs is no news
  std::vector<std::string> ignored_;
};

}  // namespace

SpecReading ReadSpec(std::string_view yaml_text, const ReadOptions& options) {
  SpecErrors errors(options.file_name, yaml_text);
  SpecReading reading{.text = std::string(yaml_text)};
  try {
    SpecNode root = ParseSpecText(yaml_text);
    if (root.kind != SpecNode::Kind::kMap) {
      errors.Add(root, "a spec must be a mapping",
                 "write KEY: VALUE lines, as configs/README.md shows");
      errors.ThrowIfAny();
    }
    for (const std::string& override_text : options.overrides) {
      ApplyOverride(override_text, root, errors);
    }
    SpecBuilder builder(options, errors);
    builder.Read(root);
    reading.spec = std::move(builder.spec);
    reading.notes = std::move(builder.notes);
  } catch (const SpecFault& fault) {
    errors.Add(fault);
  }
  errors.ThrowIfAny();
  return reading;
}

std::vector<std::string_view> SpecKeyNames() {
  const ReadOptions options;
  SpecErrors errors("", "");
  std::vector<std::string_view> names;
  for (const SpecKey& key : SpecBuilder(options, errors).Keys()) {
    names.push_back(key.name);
  }
  return names;
}

SpecReading ReadSpecFile(const std::string& path, const std::vector<std::string>& overrides,
                         bool may_run_nothing) {
  std::ifstream stream(path, std::ios::binary);
  std::string text(kMaxSpecBytes + 1, '\0');
  if (!stream || fs::is_directory(path)) {
    throw Error("cannot read the spec", path, "name a YAML file that exists");
  }
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  const std::string folder = fs::absolute(path).lexically_normal().parent_path();
  return ReadSpec(text, {path, folder, overrides, FindInventory(folder), may_run_nothing});
}

SweepSpec CommandSpec(const std::vector<std::string>& argv, const std::string& name,
                      const std::vector<std::string>& overrides) {
  SpecNode root;
  root.kind = SpecNode::Kind::kMap;
  SpecErrors errors("command line", "");
  for (const std::string& override_text : overrides) {
    ApplyOverride(override_text, root, errors);
  }
  const std::string own_name = name.empty() ? fs::path(argv.front()).filename().string() : name;
  const std::string folder = fs::current_path();
  const ReadOptions options{own_name, folder, {}, FindInventory(folder)};
  SpecNode command;
  command.kind = SpecNode::Kind::kList;
  for (const std::string& word : argv) {
    SpecNode item;
    item.kind = SpecNode::Kind::kScalar;
    item.text = word;
    command.items.push_back(item);
  }
  SpecNode key;
  key.kind = SpecNode::Kind::kScalar;
  key.text = "command";
  root.entries.push_back({key, command});
  SpecBuilder builder(options, errors);
  builder.Read(root);
  errors.ThrowIfAny();
  builder.spec.name = own_name;
  builder.spec.run_cap = 1;
  return builder.spec;
}

}  // namespace ddl
