// SPDX-License-Identifier: Apache-2.0
#include "trainer/task.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/block_batches.h"
#include "trainer/random.h"
#include "trainer/row_loader.h"
#include "trainer/split.h"
#include "trainer/target_scale.h"

namespace ddl {

namespace {

// What the loading functions share and keep alive.
struct Source {
  const Dataset& dataset;
  SplitIndices split;
  RowLoader loader;
};

Batches ValidationOf(const std::shared_ptr<const Source>& source) {
  const auto load = [source](std::span<const std::uint32_t> rows, const BatchPlace& place) {
    std::vector<std::uint32_t> own;
    own.reserve(rows.size());
    for (const std::uint32_t row : rows) {
      own.push_back(source->split.validation[row]);
    }
    source->loader.Load(source->dataset.train, own, place);
  };
  return {.rows = source->split.validation.size(),
          .load = load,
          .number = [source](std::uint32_t row) { return source->split.validation[row]; },
          .resident = [source](std::uint32_t row) { return source->split.validation[row]; }};
}

// A text, cut once: the training part, then the part to validate on.
struct TextSource {
  std::span<const std::uint8_t> train;
  std::span<const std::uint8_t> validation;
  std::span<const std::uint8_t> test;
  std::size_t context = 1;
};

// The window that begins at `first` and, as labels, what follows each of its tokens.
void LoadWindow(std::span<const std::uint8_t> text, std::size_t context, std::size_t first,
                float* tokens, std::int32_t* labels) {
  for (std::size_t i = 0; i < context; ++i) {
    tokens[i] = static_cast<float>(text[first + i]);
    labels[i] = text[first + i + 1];
  }
}

// Rows are windows `apart` tokens from each other; `begin` tokens lie before the text where all of
// it lies in one place.
Batches Windows(const std::shared_ptr<const TextSource>& source, std::span<const std::uint8_t> text,
                std::size_t rows, std::size_t apart, std::size_t begin) {
  const auto load = [source, text, apart](std::span<const std::uint32_t> wanted,
                                          const BatchPlace& place) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      LoadWindow(text, source->context, wanted[i] * apart, place.features + i * place.stride,
                 &place.labels[i * source->context]);
    }
  };
  return {.rows = rows, .load = load, .resident = [begin, apart](std::uint32_t row) {
            return static_cast<std::uint32_t>(begin + row * apart);
          }};
}

// Whole windows side by side, each with a token behind its last.
std::size_t WindowsIn(std::span<const std::uint8_t> text, std::size_t context) {
  return text.empty() ? 0 : (text.size() - 1) / context;
}

// Validation is the text's last part. An epoch draws windows that begin anywhere in the rest, as
// many as lie side by side in it, or as its steps need.
TrainingBatches MakeTextBatches(const TrainerConfig& config, const Dataset& dataset) {
  if (config.augment.IsOn()) {
    throw Error("augmentation of a text", "augment", "leave it out");
  }
  if (config.shuffle.kind != ShuffleKind::kBySize) {
    throw Error("a text is not shuffled by rows", "shuffle",
                "leave it away: windows of a text begin anywhere");
  }
  const auto text = std::get<std::span<const std::uint8_t>>(dataset.train.features);
  const std::size_t held_out = ValidationRows(config.validation, text.size());
  const auto source = std::make_shared<const TextSource>(
      TextSource{.train = text.first(text.size() - held_out),
                 .validation = text.last(held_out),
                 .test = std::get<std::span<const std::uint8_t>>(dataset.test.features),
                 .context = dataset.context});
  const std::size_t side_by_side = WindowsIn(source->train, dataset.context);
  const std::size_t validation_rows = WindowsIn(source->validation, dataset.context);
  if (side_by_side == 0 || (held_out > 0 && validation_rows == 0)) {
    throw Error(fmt::format("{} tokens to train on and {} to validate, in windows of {}",
                            source->train.size(), held_out, dataset.context),
                "validation", "give both parts a window at least, or make data.context smaller");
  }
  const std::size_t rows =
      config.steps_per_epoch > 0 ? config.steps_per_epoch * config.batch_size : side_by_side;
  const std::uint64_t places = source->train.size() - dataset.context;
  TrainingBatches batches{.name = dataset.name,
                          .features = dataset.features,
                          .shape = dataset.shape,
                          .is_text = true,
                          .classes = dataset.classes,
                          .class_names = dataset.class_names};
  batches.train = Windows(source, source->train, rows, 1, 0);
  batches.validation =
      Windows(source, source->validation, validation_rows, dataset.context, source->train.size());
  batches.test = Windows(source, source->test, WindowsIn(source->test, dataset.context),
                         dataset.context, text.size());
  batches.resident = {.data = &dataset};
  batches.order = [rows, places, seed = config.seed](std::uint64_t epoch) {
    std::vector<std::uint32_t> starts(rows);
    FillWords({.seed = seed, .purpose = RandomPurpose::kWindows, .step = epoch}, 0, starts);
    for (std::uint32_t& start : starts) {
      start = static_cast<std::uint32_t>((start * places) >> 32U);
    }
    return WholeOrder(std::move(starts));
  };
  return batches;
}

TrainingBatches MakeRowBatches(const TrainerConfig& config, const Dataset& dataset) {
  const std::size_t rows = dataset.train.Rows();
  SplitIndices split = MakeSplit(rows, ValidationRows(config.validation, rows), config.seed);
  const Affine affine = MakeAffine(dataset, config.normalize, split.train);
  RowLoader loader(config, dataset, affine);
  const auto source =
      std::make_shared<const Source>(Source{dataset, std::move(split), std::move(loader)});
  TrainingBatches batches{.name = dataset.name,
                          .features = dataset.features,
                          .shape = dataset.shape,
                          .classes = dataset.classes,
                          .class_names = dataset.class_names};
  batches.resident = {
      .data = &dataset, .affine = affine, .augmentation = source->loader.OfTraining()};
  if (dataset.has_real_targets) {
    batches.is_regression = true;
    batches.target = MeasureTargets([&](const std::function<void(std::int32_t)>& take) {
      for (const std::uint32_t row : source->split.train) {
        take(dataset.train.labels[row]);
      }
    });
  }
  const std::size_t epoch_rows = EpochSize(config, source->split.train.size());
  batches.train = {
      .rows = epoch_rows,
      .load = [source](std::span<const std::uint32_t> wanted, const BatchPlace& place) {
        source->loader.LoadForTraining(source->dataset.train, wanted, place);
      }};
  batches.validation = ValidationOf(source);
  batches.test = {
      .rows = dataset.test.Rows(),
      .load =
          [source](std::span<const std::uint32_t> wanted, const BatchPlace& place) {
            source->loader.Load(source->dataset.test, wanted, place);
          },
      .resident = [first = dataset.train.Rows()](
                      std::uint32_t row) { return static_cast<std::uint32_t>(first + row); }};
  batches.order = [source, epoch_rows, seed = config.seed](std::uint64_t epoch) {
    std::vector<std::uint32_t> order(source->split.train.size());
    EpochRows(seed, epoch, source->split.train, order);
    order.resize(epoch_rows);
    return WholeOrder(std::move(order));
  };
  return batches;
}

TrainingBatches MakeByKind(const TrainerConfig& config, const Dataset& dataset) {
  if (dataset.context > 0) return MakeTextBatches(config, dataset);
  if (UsesBlocks(config.shuffle, dataset)) return MakeBlockBatches(config, dataset);
  return MakeRowBatches(config, dataset);
}

// With steps_per_epoch the length of an epoch does not tell how many rows are held out.
std::string IdentityOfCut(const TrainerConfig& config, const Dataset& dataset) {
  const bool is_text = dataset.context > 0;
  const std::size_t rows =
      is_text ? std::get<std::span<const std::uint8_t>>(dataset.train.features).size()
              : dataset.train.Rows();
  return fmt::format("{}, {} of {} {} held out", dataset.identity,
                     ValidationRows(config.validation, rows), rows, is_text ? "tokens" : "rows");
}

}  // namespace

std::size_t EpochSize(const TrainerConfig& config, std::size_t rows) {
  const std::uint64_t wanted = config.steps_per_epoch * config.batch_size;
  if (wanted <= rows) return wanted == 0 ? rows : wanted;
  throw Error(fmt::format("{} steps of {} rows in {} training rows", config.steps_per_epoch,
                          config.batch_size, rows),
              "steps_per_epoch", "make it smaller");
}

TrainingBatches MakeBatches(const TrainerConfig& config, const Dataset& dataset) {
  TrainingBatches batches = MakeByKind(config, dataset);
  if (!dataset.identity.empty()) batches.identity = IdentityOfCut(config, dataset);
  return batches;
}

}  // namespace ddl
