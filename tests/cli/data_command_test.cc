// SPDX-License-Identifier: Apache-2.0
// ddl data, the real binary.
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>

#include "tests/cli/real_ddl.h"

namespace ddl {
namespace data_command_test {

using testing::HasSubstr;

class DataCommand : public RealDdl {
 protected:
  // 40 rows of two columns that tell three of four classes; the last test row is a training row.
  void SetUp() override {
    RealDdl::SetUp();
    std::string rows = "wide,flat,kind\n";
    for (int i = 0; i < 40; ++i)
      rows += std::to_string(i * 0.25) + ",7," + std::to_string(i < 20 ? 0 : 1 + i % 2 * 2) + "\n";
    Write("t.csv", rows);
    Write("e.csv", "wide,flat,kind\n100,7,1\n1.25,7,0\n");
    Spec("spec.yaml", "{type: csv, train: t.csv, test: e.csv}");
  }
  std::string Spec(const std::string& name, const std::string& data) const {
    return Write(name, "name: one\ntrainer: {data: " + data +
                           ", model: {hidden: [4]}, batch_size: 8}\nmethod: grid\n"
                           "parameters: {seed: {values: [0]}}\n");
  }
  static std::string LossOf(const Finished& done) {
    return done.out.substr(0, done.out.find("samples_per_s"));
  }
};

TEST_F(DataCommand, TellsRowsClassesAndConstantColumns) {
  const Finished told = Ddl({"data", "info", "spec.yaml"});
  EXPECT_EQ(told.code, 0) << told.error;
  EXPECT_THAT(told.out, HasSubstr("csv: 40 training and 2 test rows of [2], reals, 4 classes\n"));
  EXPECT_THAT(told.out, HasSubstr("constant  1 of the features: flat\n"));
  const Json json = DdlJson({"data", "info", "spec.yaml"});
  EXPECT_EQ(json.at("train_counts"), Json({20, 10, 0, 10}));
  EXPECT_EQ(json.at("test_counts"), Json({1, 1, 0, 0}));
  EXPECT_EQ(json.at("shuffle"), "full");
  const Json over = DdlJson({"data", "info", "spec.yaml", "data=fashion-mnist"});
  EXPECT_EQ(over.at("train_rows"), 60'000);
  const Finished real = Ddl({"data", "info", "spec.yaml", "data.labels=real"});
  EXPECT_THAT(real.out, HasSubstr("rows of [2], reals, real targets\n"));
  EXPECT_THAT(real.out, testing::Not(HasSubstr("class")));
}

TEST_F(DataCommand, PacksDataThatTrainToTheSameFigures) {
  const Finished packed = Ddl({"data", "pack", "spec.yaml", "-o", "p.ddl"});
  EXPECT_EQ(packed.code, 0) << packed.error;
  const Finished from_csv = Ddl({"train", "spec.yaml"});
  for (const char* name : {"t.csv", "e.csv", "cache"})
    std::filesystem::remove_all(folder_ + "/" + name);
  Spec("packed.yaml", "{type: packed, file: p.ddl}");
  const Finished from_packed = Ddl({"train", "packed.yaml"});
  EXPECT_EQ(from_packed.code, 0) << from_packed.error;
  EXPECT_THAT(LossOf(from_packed), HasSubstr("val_loss"));
  EXPECT_EQ(LossOf(from_packed), LossOf(from_csv));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/cache")) << "it is mapped where it lies";
  EXPECT_EQ(DdlJson({"data", "info", "p.ddl"}).at("train_rows"), 40);
  EXPECT_THAT(Ddl({"data", "info", "packed.yaml"}).out, HasSubstr("p.ddl"));
}

TEST_F(DataCommand, PacksRealTargets) {
  Spec("real.yaml", "{type: csv, train: t.csv, test: e.csv, labels: real}");
  const Finished packed = Ddl({"data", "pack", "real.yaml", "-o", "p.ddl"});
  EXPECT_EQ(packed.code, 0) << packed.error;
  EXPECT_THAT(packed.out, HasSubstr("2 test rows of [2], reals, real targets\n"));
  EXPECT_EQ(Ddl({"data", "check", "p.ddl"}).code, 0);
}

TEST_F(DataCommand, PacksATextInItsContext) {
  Write("text", "abcab");
  Spec("text.yaml", "{type: text, train: text, context: 3}");
  const Finished packed = Ddl({"data", "pack", "text.yaml", "-o", "p.ddl"});
  EXPECT_EQ(packed.code, 0) << packed.error;
  EXPECT_THAT(packed.out, HasSubstr("text: 5 training and 0 test rows, tokens, 3 classes\n"));
  Spec("packed.yaml", "{type: packed, file: p.ddl, context: 2}");
  EXPECT_EQ(DdlJson({"data", "info", "packed.yaml"}).at("train_counts"), Json({2, 2, 1}));
  EXPECT_EQ(Ddl({"data", "check", "packed.yaml"}).code, 0);
}

TEST_F(DataCommand, ChecksWhatItPacked) {
  EXPECT_EQ(Ddl({"data", "pack", "spec.yaml", "-o", "p.ddl"}).code, 0);
  const Finished good = Ddl({"data", "check", "p.ddl"});
  EXPECT_EQ(good.code, 0) << good.out << good.error;
  EXPECT_THAT(good.out, HasSubstr("note     1 of 4 classes has no training row: 2\n"));
  EXPECT_THAT(good.out,
              HasSubstr("note     1 of 2 features is the same in every training row: flat\n"));
  EXPECT_THAT(good.out,
              HasSubstr("note     1 of 2 test rows has the features of a training row\n"));
  EXPECT_THAT(good.out, HasSubstr("ok  the data are sound\n"));
  std::fstream file(folder_ + "/p.ddl", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(8192 + 40);
  file.put('\x55');
  file.close();
  const Finished bad = Ddl({"data", "check", "p.ddl"});
  EXPECT_EQ(bad.code, 3);
  EXPECT_THAT(bad.out, HasSubstr("damaged  its training features are damaged\n"));
  EXPECT_EQ(Ddl({"data", "check", "p.ddl", "--json"}).code, 3);
  EXPECT_FALSE(DdlJson({"data", "check", "p.ddl"}).at("ok").get<bool>());
}

TEST_F(DataCommand, RefusesWithTheReason) {
  const Finished elsewhere = Ddl({"data", "pack", "spec.yaml", "-o", "/nowhere/p.ddl"});
  EXPECT_EQ(elsewhere.code, 3);
  EXPECT_THAT(elsewhere.error, HasSubstr("/nowhere/p.ddl"));
  const auto refusal = [this](std::vector<std::string> words) {
    words.insert(words.begin(), "data");
    const Finished done = Ddl(words);
    EXPECT_EQ(done.code, 2) << done.out;
    return done.error;
  };
  EXPECT_THAT(refusal({"pack", "spec.yaml"}), HasSubstr("no file to write"));
  EXPECT_THAT(refusal({"info", "spec.yaml", "-o", "x"}), HasSubstr("--out without pack"));
  EXPECT_THAT(refusal({"info", "nowhere.ddl"}), HasSubstr("no file nowhere.ddl"));
  EXPECT_THAT(refusal({"info", "t.csv"}), HasSubstr("it does not begin with a header"));
  Write("e.csv", "wide,flat,kind\n1,x,0\n");
  EXPECT_THAT(refusal({"check", "spec.yaml"}), HasSubstr("e.csv:2: field 2 is no finite number"));
  Write("none.yaml", "name: n\ncommand: ['true']\nmethod: grid\nparameters: {a: {values: [0]}}\n");
  EXPECT_THAT(refusal({"info", "none.yaml"}), HasSubstr("this spec has no trainer"));
}

}  // namespace data_command_test
}  // namespace ddl
