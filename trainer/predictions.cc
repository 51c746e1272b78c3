// SPDX-License-Identifier: Apache-2.0
#include "trainer/predictions.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

#include "configs/json.h"
#include "trainer/durable_file.h"
#include "trainer/sealed_file.h"

namespace ddl {

namespace {

constexpr SealKind kPredictionsSeal{
    .magic = "ddl pred", .version = 1, .what = "file of predictions"};
constexpr std::size_t kNumber = 4;  // bytes of everything in the body

std::size_t OtherBytes(const PartPredictions& part) {
  return (part.labels.size() + part.targets.size()) * kNumber;
}

void AppendPart(std::string& bytes, const PartPredictions& part) {
  assert(OtherBytes(part) == part.rows.size() * kNumber);
  const auto append = [&bytes](const auto& numbers) {
    AppendBytes(bytes, numbers.data(), numbers.size() * kNumber);
  };
  append(part.rows);
  append(part.labels);
  append(part.targets);
  append(part.outputs);
}

Json HeaderOf(const Predictions& predictions) {
  return {{"training", predictions.training},
          {"arithmetic", predictions.arithmetic},
          {"data", predictions.data},
          {"epoch", predictions.epoch},
          {"iteration", predictions.iteration},
          {"class_names", predictions.class_names},
          {"kind", predictions.is_regression ? "values" : "probabilities"},
          {"outputs", predictions.outputs},
          {"validation", predictions.validation.rows.size()},
          {"test", predictions.test.rows.size()}};
}

// How many rows each part has.
struct PartSizes {
  std::uint32_t validation = 0;
  std::uint32_t test = 0;
};

PartSizes ReadHeader(const Json& json, Predictions& predictions) {
  json.at("training").get_to(predictions.training);
  json.at("arithmetic").get_to(predictions.arithmetic);
  json.at("data").get_to(predictions.data);
  predictions.epoch = WholeNumber<std::uint64_t>(json.at("epoch"));
  predictions.iteration = WholeNumber<std::uint64_t>(json.at("iteration"));
  json.at("class_names").get_to(predictions.class_names);
  predictions.is_regression = json.at("kind") == "values";
  predictions.outputs = WholeNumber<std::uint32_t>(json.at("outputs"));
  return {.validation = WholeNumber<std::uint32_t>(json.at("validation")),
          .test = WholeNumber<std::uint32_t>(json.at("test"))};
}

// Divides, as a product of what a header says might overflow.
bool Fits(const PartSizes& sizes, std::size_t outputs, std::size_t body) {
  const std::size_t rows = std::size_t{sizes.validation} + sizes.test;
  if (rows == 0) return body == 0;
  return body % rows == 0 && body / rows == PredictionBytes(1, outputs);
}

// Takes numbers off the front of a body whose size was checked.
class BodyReader {
 public:
  explicit BodyReader(std::string_view body) : body_(body) {}

  template <class Number>
  void Take(std::size_t count, std::vector<Number>& numbers) {
    static_assert(sizeof(Number) == kNumber);
    numbers.resize(count);
    if (count > 0) std::memcpy(numbers.data(), body_.data(), count * kNumber);
    body_.remove_prefix(count * kNumber);
  }

  void TakePart(std::size_t rows, const Predictions& predictions, PartPredictions& part) {
    Take(rows, part.rows);
    predictions.is_regression ? Take(rows, part.targets) : Take(rows, part.labels);
    Take(rows * predictions.outputs, part.outputs);
  }

 private:
  std::string_view body_;
};

bool IsDistribution(const float* probabilities, std::size_t classes) {
  constexpr double kRounding = 1e-3;
  double sum = 0.0;
  for (std::size_t c = 0; c < classes; ++c) {
    if (!(probabilities[c] >= 0.0F)) return false;
    sum += static_cast<double>(probabilities[c]);
  }
  return std::abs(sum - 1.0) <= kRounding;
}

// What is wrong with a part, or "".
std::string FaultOf(const Predictions& predictions, const PartPredictions& part) {
  if (!std::ranges::is_sorted(part.rows, std::less_equal<>())) return "its rows do not ascend";
  const auto is_finite = [](float value) { return std::isfinite(value); };
  if (predictions.is_regression) {
    const bool are_numbers = std::ranges::all_of(part.targets, is_finite) &&
                             std::ranges::all_of(part.outputs, is_finite);
    return are_numbers ? "" : "a value is not finite";
  }
  for (std::size_t i = 0; i < part.rows.size(); ++i) {
    const std::int32_t label = part.labels[i];
    if (label < 0 || static_cast<std::size_t>(label) >= predictions.outputs) {
      return fmt::format("label {} is not below {}", label, predictions.outputs);
    }
    if (!IsDistribution(&part.outputs[i * predictions.outputs], predictions.outputs)) {
      return fmt::format("the numbers of row {} are no probabilities", part.rows[i]);
    }
  }
  return "";
}

std::string FaultOf(const Predictions& predictions) {
  if (predictions.outputs == 0) return "it has no outputs";
  const std::size_t names = predictions.class_names.size();
  if (names != 0 && names != predictions.outputs) return "it does not name every class";
  const std::string fault = FaultOf(predictions, predictions.validation);
  return fault.empty() ? FaultOf(predictions, predictions.test) : fault;
}

}  // namespace

std::uint64_t PredictionBytes(std::size_t rows, std::size_t outputs) {
  return std::uint64_t{rows} * (2 + outputs) * kNumber;
}

void WritePredictions(const std::filesystem::path& path, const Predictions& predictions) {
  const std::size_t rows = predictions.validation.rows.size() + predictions.test.rows.size();
  std::string bytes = BeginSealed(kPredictionsSeal, HeaderOf(predictions),
                                  PredictionBytes(rows, predictions.outputs));
  AppendPart(bytes, predictions.validation);
  AppendPart(bytes, predictions.test);
  Seal(bytes);
  WriteDurably(path, bytes);
}

std::variant<Predictions, DamagedPredictions> ReadPredictions(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return DamagedPredictions{"it cannot be opened"};
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto opened = OpenSealed(kPredictionsSeal, bytes);
  if (const auto* broken = std::get_if<BrokenSeal>(&opened)) return DamagedPredictions{broken->why};
  const auto& [text, body] = std::get<SealedContent>(opened);
  Predictions predictions;
  PartSizes sizes;
  try {
    sizes = ReadHeader(ParseJson(text, path.string()), predictions);
  } catch (const std::exception& error) {  // a well-formed file of a foreign writer
    return DamagedPredictions{fmt::format("its header cannot be read: {}", error.what())};
  }
  if (!Fits(sizes, predictions.outputs, body.size())) {
    return DamagedPredictions{"its size is not what its header says"};
  }
  BodyReader reader(body);
  reader.TakePart(sizes.validation, predictions, predictions.validation);
  reader.TakePart(sizes.test, predictions, predictions.test);
  if (std::string fault = FaultOf(predictions); !fault.empty()) {
    return DamagedPredictions{std::move(fault)};
  }
  return predictions;
}

}  // namespace ddl
