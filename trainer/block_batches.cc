// SPDX-License-Identifier: Apache-2.0
#include "trainer/block_batches.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "trainer/block_cut.h"
#include "trainer/row_loader.h"
#include "trainer/row_pages.h"
#include "trainer/split.h"
#include "trainer/target_scale.h"
#include "trainer/task.h"

namespace ddl {

namespace {

constexpr std::uint64_t kBytesPerMib = std::uint64_t{1} << 20U;
// Bounds the memory for a window's order where records are a few bytes.
constexpr std::uint64_t kMostRowsPerBlock = std::uint64_t{1} << 16U;

std::uint64_t FeatureBytes(const Dataset& dataset) {
  const bool is_bytes =
      std::holds_alternative<std::span<const std::uint8_t>>(dataset.train.features);
  return dataset.features * (is_bytes ? sizeof(std::uint8_t) : sizeof(float));
}

std::size_t RowsPerBlock(const ShuffleSettings& shuffle, const Dataset& dataset) {
  const std::uint64_t record = FeatureBytes(dataset) + sizeof(std::int32_t);
  return std::clamp<std::uint64_t>(shuffle.block_mib * kBytesPerMib / record, 1, kMostRowsPerBlock);
}

// What the loading functions share and keep alive.
struct BlockSource {
  const Dataset& dataset;
  BlockCut cut;
  std::size_t window;  // blocks
  bool is_shuffled;
  RowLoader loader;
};

using Shared = std::shared_ptr<const BlockSource>;

// The rows of one epoch, window by window. While one is worked off, the next one is read, in step
// with it; the last one is given up.
class WindowedRows {
 public:
  WindowedRows(Shared source, std::uint64_t epoch, std::size_t begin)
      : source_(std::move(source)),
        pages_(source_->dataset, source_->dataset.train),
        order_(source_->cut, source_->window, source_->is_shuffled, epoch),
        begin_(begin) {}
  WindowedRows(const WindowedRows&) = delete;
  WindowedRows& operator=(const WindowedRows&) = delete;
  ~WindowedRows() { LeaveWindow(); }

  std::span<const std::uint32_t> Rows(std::size_t first, std::size_t count) {
    asked_.clear();
    const std::size_t all = source_->cut.TrainingRows();
    while (asked_.size() < count) {
      const std::size_t place = (begin_ + first + asked_.size()) % all;
      EnterWindowOf(place);
      const std::size_t within = place - order_.Start(window_);
      const std::size_t some = std::min(count - asked_.size(), rows_.size() - within);
      const auto from = rows_.begin() + static_cast<std::ptrdiff_t>(within);
      asked_.insert(asked_.end(), from, from + static_cast<std::ptrdiff_t>(some));
      ReadAhead(within + some);
    }
    return asked_;
  }

 private:
  void EnterWindowOf(std::size_t place) {
    const std::size_t window = order_.WindowOf(place);
    if (!rows_.empty() && window == window_) return;
    const bool follows = !rows_.empty() && window == window_ + 1;
    LeaveWindow();
    window_ = window;
    rows_ = order_.Rows(window);
    blocks_ = order_.Blocks(window);
    for (std::size_t i = follows ? wanted_ : 0; i < blocks_.size(); ++i) {
      Want(blocks_[i]);
    }
    wanted_ = 0;
    const bool is_last = window + 1 == order_.Windows();
    next_ = is_last ? std::vector<std::uint32_t>{} : order_.Blocks(window + 1);
  }

  void LeaveWindow() const {
    for (const std::uint32_t block : blocks_) {
      const BlockCut::TrainingRuns runs = source_->cut.Training(block);
      pages_.GiveUp(runs.before);
      pages_.GiveUp(runs.behind);
    }
  }

  // With `done` rows of the window worked off, the same share of the next one is asked for, and a
  // block more.
  void ReadAhead(std::size_t done) {
    const std::size_t due = std::min(next_.size(), done * next_.size() / rows_.size() + 1);
    for (; wanted_ < due; ++wanted_) {
      Want(next_[wanted_]);
    }
  }

  void Want(std::size_t block) const {
    const BlockCut::TrainingRuns runs = source_->cut.Training(block);
    pages_.Want(runs.before);
    pages_.Want(runs.behind);
  }

  Shared source_;
  RowPages pages_;
  BlockOrder order_;
  std::size_t begin_;  // place of the epoch's first row
  std::size_t window_ = 0;
  std::vector<std::uint32_t> rows_;  // of the window; empty before the first
  std::vector<std::uint32_t> blocks_;
  std::vector<std::uint32_t> next_;  // blocks of the next window
  std::size_t wanted_ = 0;           // of which these are asked for
  std::vector<std::uint32_t> asked_;
};

// Reads runs of rows from the first to the last as batches reach them, one ahead.
class RunsInTurn {
 public:
  RunsInTurn(const RowPages& pages, std::size_t count) : pages_(pages), count_(count) {}

  template <class Runs>
  void Reach(std::size_t run, const Runs& runs) {
    if (run == at_) return;
    const bool has_begun = at_ < count_;
    if (has_begun) pages_.GiveUp(runs(at_));
    if (!has_begun || run != at_ + 1) pages_.Want(runs(run));
    if (run + 1 < count_) pages_.Want(runs(run + 1));
    at_ = run;
  }

 private:
  RowPages pages_;
  std::size_t count_;
  std::size_t at_ = static_cast<std::size_t>(-1);  // none yet
};

// In its file, of the n-th validation row.
std::uint32_t HeldOutRow(const BlockCut& cut, std::uint32_t n) {
  const std::size_t block = cut.BlockOfHeldOut(n);
  return static_cast<std::uint32_t>(cut.HeldOut(block).first + n - cut.HeldOutBefore(block));
}

Batches HeldOutRows(const Shared& source, std::size_t rows) {
  const auto turn = std::make_shared<RunsInTurn>(RowPages(source->dataset, source->dataset.train),
                                                 source->cut.Blocks());
  const auto load = [source, turn](std::span<const std::uint32_t> wanted, const BatchPlace& place) {
    const BlockCut& cut = source->cut;
    std::vector<std::uint32_t> own;
    own.reserve(wanted.size());
    for (const std::uint32_t n : wanted) {
      turn->Reach(cut.BlockOfHeldOut(n), [&cut](std::size_t run) { return cut.HeldOut(run); });
      own.push_back(HeldOutRow(cut, n));
    }
    source->loader.Load(source->dataset.train, own, place);
  };
  return {.rows = rows, .load = load, .number = [source](std::uint32_t n) {
            return HeldOutRow(source->cut, n);
          }};
}

Batches TestRows(const Shared& source, std::size_t rows_per_block) {
  const Split& test = source->dataset.test;
  const BlockCut cut({.rows = test.Rows(), .rows_per_block = rows_per_block}, 0);
  const auto turn = std::make_shared<RunsInTurn>(RowPages(source->dataset, test), cut.Blocks());
  const auto load = [source, turn, cut, rows_per_block](std::span<const std::uint32_t> wanted,
                                                        const BatchPlace& place) {
    for (const std::uint32_t row : wanted) {
      turn->Reach(row / rows_per_block, [&cut](std::size_t run) { return cut.Block(run); });
    }
    source->loader.Load(source->dataset.test, wanted, place);
  };
  return {.rows = test.Rows(), .load = load};
}

Affine AffineOf(const TrainerConfig& config, const Dataset& dataset, const BlockCut& cut) {
  const RowPages pages(dataset, dataset.train);
  const auto rows = [&](const std::function<void(const RowRun&)>& visit) {
    const auto block = [&](std::size_t i) { return cut.Block(i); };
    std::size_t at = 0;
    VisitRuns(pages, cut.Blocks(), block, [&](const RowRun&) {
      const BlockCut::TrainingRuns runs = cut.Training(at++);
      visit(runs.before);
      visit(runs.behind);
    });
  };
  return MakeStreamedAffine(dataset, config.normalize, rows);
}

TargetScale TargetScaleOf(const Dataset& dataset, const BlockCut& cut) {
  return MeasureTargets([&](const std::function<void(std::int32_t)>& take) {
    for (std::size_t block = 0; block < cut.Blocks(); ++block) {
      const BlockCut::TrainingRuns runs = cut.Training(block);
      for (const RowRun& run : {runs.before, runs.behind}) {
        std::ranges::for_each(dataset.train.labels.subspan(run.first, run.count), take);
      }
    }
  });
}

}  // namespace

bool UsesBlocks(const ShuffleSettings& shuffle, const Dataset& dataset) {
  if (shuffle.kind != ShuffleKind::kBySize) return shuffle.kind != ShuffleKind::kFull;
  return dataset.train.Rows() > kMostShuffledWhole / FeatureBytes(dataset);
}

TrainingBatches MakeBlockBatches(const TrainerConfig& config, const Dataset& dataset) {
  const std::size_t rows = dataset.train.Rows();
  const std::size_t held_out = ValidationRows(config.validation, rows);
  const std::size_t rows_per_block = RowsPerBlock(config.shuffle, dataset);
  const BlockCut cut({.rows = rows, .rows_per_block = rows_per_block, .validation = held_out},
                     config.seed);
  const auto source = std::make_shared<const BlockSource>(
      BlockSource{.dataset = dataset,
                  .cut = cut,
                  .window = config.shuffle.window_mib / config.shuffle.block_mib,
                  .is_shuffled = config.shuffle.kind != ShuffleKind::kNone,
                  .loader = RowLoader(config, dataset, AffineOf(config, dataset, cut))});
  const std::size_t all = source->cut.TrainingRows();
  const std::size_t epoch_rows = EpochSize(config, all);
  TrainingBatches batches{.name = dataset.name,
                          .features = dataset.features,
                          .shape = dataset.shape,
                          .classes = dataset.classes,
                          .class_names = dataset.class_names};
  batches.name += source->is_shuffled ? fmt::format(", shuffled in windows of {} x {} rows",
                                                    source->window, rows_per_block)
                                      : fmt::format(", in order by {} rows", rows_per_block);
  if (dataset.has_real_targets) {
    batches.is_regression = true;
    batches.target = TargetScaleOf(dataset, source->cut);
  }
  batches.train = {
      .rows = epoch_rows,
      .load = [source](std::span<const std::uint32_t> wanted, const BatchPlace& place) {
        source->loader.LoadForTraining(source->dataset.train, wanted, place);
      }};
  batches.validation = HeldOutRows(source, held_out);
  batches.test = TestRows(source, rows_per_block);
  batches.order = [source, epoch_rows, all](std::uint64_t epoch) -> RowOrder {
    // An epoch that takes a part of the rows in order goes on where the last one ended.
    const std::size_t begin = source->is_shuffled ? 0 : epoch % all * epoch_rows % all;
    const auto windows = std::make_shared<WindowedRows>(source, epoch, begin);
    return [windows](std::size_t first, std::size_t count) { return windows->Rows(first, count); };
  };
  return batches;
}

}  // namespace ddl
