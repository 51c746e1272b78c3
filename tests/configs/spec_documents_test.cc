// SPDX-License-Identifier: Apache-2.0
// The documentation and the schema say what the reader does.
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "configs/distributions.h"
#include "configs/error.h"
#include "configs/json.h"
#include "configs/spec_reader.h"

namespace ddl {
namespace spec_documents_test {

std::string ReadText(const std::string& name) {
  std::ifstream stream(std::string(DDL_SOURCE_DIR) + "/configs/" + name);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// The reader lists its keys when it meets one that resembles none.
std::set<std::string> KeysOfTheReader(const std::string& spec, const std::string& of) {
  try {
    (void)ReadSpec(spec, {"spec.yaml", ".", {}});
  } catch (const Error& error) {
    const std::string text = error.what();
    const std::string before = "in " + of + "; known here: ";
    const std::size_t begin = text.find(before);
    if (begin == std::string::npos) return {};
    std::istringstream words(
        text.substr(begin + before.size(), text.find('\n', begin) - begin - before.size()));
    return {std::istream_iterator<std::string>(words), {}};
  }
  return {};
}

std::set<std::string> KeysOfTheSchema(const Json& section) {
  std::set<std::string> keys;
  for (const auto& item : section.at("properties").items())
    keys.insert(item.key());
  return keys;
}

TEST(SpecSchema, NamesTheKeysOfTheReader) {
  const Json schema = ParseJson(ReadText("ddl.schema.json"), "ddl.schema.json");
  const std::string base = "command: [a]\nmethod: grid\nparameters: {x: {values: [1]}}\n";
  EXPECT_EQ(KeysOfTheSchema(schema), KeysOfTheReader(base + "qqqqqqqqqqqq: 1\n", "the spec"));
  for (const char* section : {"metric", "limits", "resources", "warm_start"}) {
    EXPECT_EQ(KeysOfTheSchema(schema.at("properties").at(section)),
              KeysOfTheReader(base + section + ": {qqqqqqqqqqqq: 1}\n", section));
  }
  const Json& parameter = schema.at("definitions").at("parameters").at("additionalProperties");
  EXPECT_EQ(KeysOfTheSchema(parameter),
            KeysOfTheReader("command: [a]\nmethod: grid\nparameters: {x: {qqqqqqqqqqqq: [1]}}\n",
                            "parameter \"x\""));
  std::set<std::string> names{"categorical_w_probabilities"};
  for (const DistributionEntry& entry : AllDistributions())
    names.emplace(entry.name);
  EXPECT_EQ(parameter.at("properties").at("distribution").at("enum").get<std::set<std::string>>(),
            names);
}

TEST(SpecReadme, NamesEveryKeyAndDistribution) {
  const std::string text = ReadText("README.md");
  const std::string base = "command: [a]\nmethod: grid\nparameters: {x: {values: [1]}}\n";
  for (const std::string& key : KeysOfTheReader(base + "qqqqqqqqqqqq: 1\n", "the spec"))
    EXPECT_NE(text.find(key), std::string::npos) << key;
  for (const DistributionEntry& entry : AllDistributions())
    EXPECT_NE(text.find(std::string(entry.name)), std::string::npos) << entry.name;
}

TEST(SpecReadme, HasExamplesThatAreFine) {
  const std::string text = ReadText("README.md");
  int blocks = 0;
  for (std::size_t at = 0; (at = text.find("```yaml\n", at)) != std::string::npos; ++blocks) {
    const std::size_t begin = at + 8;
    at = text.find("```", begin);
    EXPECT_NO_THROW((void)ReadSpec(text.substr(begin, at - begin), {"block.yaml", ".", {}}));
  }
  EXPECT_GE(blocks, 3);
  // The table's examples: `key: value` beside a spec that has the rest.
  std::istringstream lines(text);
  int examples = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t end = line.rfind("` |");
    const std::size_t begin = end == std::string::npos ? end : line.rfind('`', end - 1);
    if (!line.starts_with("| `") || begin == std::string::npos) continue;
    const std::string example = line.substr(begin + 1, end - begin - 1);
    if (example.find(": ") == std::string::npos) continue;
    const std::string key = example.substr(0, example.find(':'));
    std::string spec = example + "\n";
    if (key != "program") spec += "command: [a]\n";
    if (key != "method") {
      spec += key == "warm_start" ? "method: tpe\n"
              : key == "search"   ? "method: custom\n"
                                  : "method: random\n";
    }
    if (key == "zip") {
      spec += "parameters: {lr: {values: [1]}, batch_size: {values: [1]}}\n";
    } else if (key != "parameters") {
      spec += "parameters: {x: {values: [1]}}\n";
    }
    if (key != "run_cap") spec += "run_cap: 3\n";
    if (key != "metric" && key != "metrics") spec += "metric: {name: loss}\n";
    EXPECT_NO_THROW((void)ReadSpec(spec, {"example.yaml", ".", {}})) << example;
    ++examples;
  }
  EXPECT_GE(examples, 20);
}

}  // namespace spec_documents_test
}  // namespace ddl
