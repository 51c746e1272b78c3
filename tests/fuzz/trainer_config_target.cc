// SPDX-License-Identifier: Apache-2.0
// A trainer's configuration and the parameters laid over it (a second line): refused by Error, or
// within the ranges that a training relies on.
#include <cmath>

#include "configs/error.h"
#include "tests/fuzz/fuzz.h"
#include "trainer/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace ddl;
  std::string_view text = AsText(bytes, size);
  const std::string_view first = TakePiece(text, std::min(text.find('\n'), text.size()));
  (void)TakeByte(text);
  try {
    Json mapping = ParseJson(first, "input");
    if (!text.empty()) Override(mapping, ParseJson(text, "parameters"));
    const TrainerConfig config = ReadTrainerConfig(mapping);
    Promise(config.epochs >= 1 && config.batch_size >= 1 && config.threads >= 1,
            "counts of one at least");
    Promise(config.label_smoothing >= 0 && config.label_smoothing < 1, "a share below one");
    Promise(std::isfinite(config.clip_norm) && config.clip_norm >= 0, "a norm");
    Promise(config.model.dropout >= 0 && config.model.dropout < 1, "a share below one");
    for (const Layer& layer : config.model.layers) {
      const auto* dense = std::get_if<DenseLayer>(&layer);
      Promise(dense == nullptr || dense->width >= 1, "a layer has units");
    }
    const bool has_classes = config.loss == LossKind::kCrossEntropy;
    Promise(config.huber_delta > 0, "a bound above zero");
    Promise(has_classes || config.label_smoothing == 0, "real targets are not smoothed");
    Promise(has_classes || config.early_stopping.watches_loss, "a regression has no accuracy");
    const bool is_muon = config.optimizer.kind == OptimizerKind::kMuon;
    Promise(!is_muon || (config.optimizer.lr > 0 && !config.model.layers.empty()),
            "muon divides by its rate and has a matrix to move");
  } catch (const Error&) {
  }
  return 0;
}
