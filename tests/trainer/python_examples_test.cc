// SPDX-License-Identifier: Apache-2.0
// The examples of docs/formats.md, as they stand there, read what a training wrote.
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trainer/temporary_folder.h"
#include "tests/trainer/training_session.h"

namespace ddl {
namespace python_examples_test {

using testing::HasSubstr;

std::string DocumentationText() {
  std::ifstream file(std::string(DDL_SOURCE_DIR) + "/docs/formats.md");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The first block of Python below a heading.
std::string ExampleBelow(const std::string& heading) {
  const std::string text = DocumentationText();
  const std::string fence = "```python\n";
  const std::size_t begin = text.find(fence, text.find("\n## " + heading + "\n")) + fence.size();
  return text.substr(begin, text.find("```", begin) - begin);
}

class PythonExamples : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("python3 -c '' 2>/dev/null") != 0) GTEST_SKIP() << "no python3 in PATH";
    session_.Run();
  }

  // What it prints about a file, or its error.
  [[nodiscard]] std::string Run(const std::string& heading, const std::string& file) const {
    const std::string program = folder_.Path() / "example.py";
    std::ofstream(program) << ExampleBelow(heading);
    const std::string command =
        "python3 " + program + " " + (folder_.Path() / file).string() + " 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    std::string output;
    std::array<char, 4096> piece{};
    while (std::fgets(piece.data(), piece.size(), pipe) != nullptr)
      output += piece.data();
    EXPECT_EQ(pclose(pipe), 0) << output;
    return output;
  }

  TrainerFolder folder_;
  Session session_{.config = SmallConfig(R"({"keep": "predictions", "ema_decay": 0.5})"),
                   .folder = folder_.Path(),
                   .output = folder_.Path()};
};

// Of the line "NAME ROWS COLUMNS first X sum Y".
struct TensorLine {
  std::size_t rows = 0;
  std::size_t columns = 0;
  double first = 0.0;
  double sum = 0.0;
};

TensorLine LineOf(const std::string& output, const std::string& name) {
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    TensorLine read;
    words >> word;
    if (word != name) continue;
    words >> read.rows >> read.columns >> word >> read.first >> word >> read.sum;
    return read;
  }
  ADD_FAILURE() << "no " << name << " in\n" << output;
  return {};
}

TEST_F(PythonExamples, ACheckpointIsRead) {
  const std::string output = Run("A checkpoint", "iteration-000000000028.ckpt");
  const TensorLine weight = LineOf(output, "weight1");
  EXPECT_EQ(weight.rows, 6U);
  EXPECT_EQ(weight.columns, 9U);
  EXPECT_FLOAT_EQ(static_cast<float>(weight.first), session_.state[0]);
  double sum = 0.0;  // rows of 9 in 16
  for (std::size_t i = 0; i < 6 * 16; ++i)
    sum += i % 16 < 9 ? static_cast<double>(session_.state[i]) : 0.0;
  EXPECT_NEAR(weight.sum, sum, 1e-9);
  EXPECT_FLOAT_EQ(static_cast<float>(LineOf(output, "weight1.first").first), session_.state[96]);
  EXPECT_EQ(LineOf(output, "weight2.average").rows, 9U);
  EXPECT_EQ(LineOf(output, "bias2.second").columns, 3U);
}

TEST_F(PythonExamples, PredictionsAreRead) {
  const std::string output = Run("Predictions", "predictions.bin");
  const Json test = ParseJson(session_.lines.back(), "line");
  EXPECT_THAT(output, HasSubstr("validation 30 rows from 0 accuracy "));
  const std::string expected = "test 30 rows from 0 accuracy ";
  ASSERT_THAT(output, HasSubstr(expected));
  const double accuracy = std::stod(output.substr(output.find(expected) + expected.size()));
  EXPECT_DOUBLE_EQ(accuracy, test.at("test_accuracy").get<double>());
}

TEST_F(PythonExamples, ADamagedFileIsNotRead) {
  std::fstream file(folder_.Path() / "predictions.bin",
                    std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(40);
  file.put('~');
  file.close();
  const std::string program = folder_.Path() / "example.py";
  std::ofstream(program) << ExampleBelow("Predictions");
  const std::string command = "python3 " + program + " " +
                              (folder_.Path() / "predictions.bin").string() + " >/dev/null 2>&1";
  EXPECT_NE(std::system(command.c_str()), 0);
}

}  // namespace python_examples_test
}  // namespace ddl
