// SPDX-License-Identifier: Apache-2.0
// The notation of layers, and shapes that do not fit.
#include "trainer/layer.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "trainer/accounting.h"
#include "trainer/model.h"

namespace ddl {
namespace layer_test {

using testing::HasSubstr;

std::string Again(const std::string& text, const LayerDefaults& defaults = {}) {
  std::string names;
  for (const Layer& layer : ParseLayers(text, defaults))
    names += (names.empty() ? "" : "-") + NameOf(layer);
  return names;
}

TEST(Layers, AreReadAsTheyAreWritten) {
  for (const std::string text : {"32c3", "32c3s2", "16c5v", "16c4s2v", "p2", "a3", "ga", "r64",
                                 "r64s2", "1c1", "32c3-p2-64c3-p2", "16c3-r16-r32s2-r64s2-ga"}) {
    EXPECT_EQ(Again(text), text);
  }
}

TEST(Layers, HaveShortForms) {
  EXPECT_EQ(Again("p-a-fc128"), "p2-a2-128");
  EXPECT_EQ(Again("8c3", {.has_norm = true}), "8c3+norm");
}

TEST(Layers, TakeDefaults) {
  const LayerDefaults defaults{.activation = Activation::kTanh, .has_dropout = true};
  const std::vector<Layer> layers = ParseLayers("8c3-fc5", defaults);
  EXPECT_EQ(std::get<ConvLayer>(layers[0]).activation, Activation::kTanh);
  EXPECT_TRUE(std::get<DenseLayer>(layers[1]).has_dropout);
}

class WrongLayers : public testing::TestWithParam<const char*> {};

TEST_P(WrongLayers, AreRefusedByName) {
  try {
    (void)ParseLayers(GetParam(), {});
    FAIL() << "was read";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("model.layers"));
  }
}

INSTANTIATE_TEST_SUITE_P(Texts, WrongLayers,
                         testing::Values("", "-", "32", "32c", "c3", "32c0", "0c3", "32c3s0",
                                         "32c3x", "32c3-", "-p", "32c3--p", "q", "p2x", "r", "fc",
                                         "fc0", "32c4", "99999999999999999999c3", "2000000c3",
                                         "ga2"));

ModelShape ShapeFor(const std::string& layers, std::size_t size) {
  return {.batch = 2,
          .features = size * size,
          .image = ImageShape{.size = {.height = size, .width = size}, .channels = 1},
          .layers = ParseLayers(layers, {})};
}

std::string Complaint(const ModelShape& shape) {
  try {
    (void)BuildModel(shape);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(ModelShapes, ThatDoNotFitSayWhichLayerAndBothSizes) {
  EXPECT_THAT(Complaint(ShapeFor("4c3-p-p-p4", 8)),
              HasSubstr("layer 4 (p4) needs images of 4 x 4 pixels at least, and gets 2 x 2"));
  EXPECT_THAT(Complaint(ShapeFor("4c9v", 8)),
              HasSubstr("layer 1 (4c9v) needs images of 9 x 9 pixels at least, and gets 8 x 8"));
  EXPECT_THAT(Complaint(ShapeFor("fc5-4c3", 8)),
              HasSubstr("layer 2 (4c3) needs images, and gets rows of 5 numbers"));
  EXPECT_EQ(Complaint(ShapeFor("4c9-p8-fc3", 8)), "");
}

TEST(ModelShapes, CountWeightsWithoutPadding) {
  // (9 + 1) 4, (9 4 + 1) 5, (4 4 5 + 1) 7, (7 + 1) 2
  EXPECT_EQ(CountWeights(BuildModel(ShapeFor("4c3-5c3-p-fc7", 8))), 40U + 185U + 567U + 16U);
}

}  // namespace layer_test
}  // namespace ddl
