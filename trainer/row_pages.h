// SPDX-License-Identifier: Apache-2.0
// Where rows of a data set lie in its file: what is to be read soon, and what is done with. Says
// nothing where the data are in memory anyway.
#pragma once

#include "trainer/block_cut.h"
#include "trainer/dataset.h"

namespace ddl {

class RowPages {
 public:
  // `split` is a part of `dataset`, which outlives this.
  RowPages(const Dataset& dataset, const Split& split) : dataset_(dataset), split_(split) {}

  void Want(const RowRun& rows) const;
  void GiveUp(const RowRun& rows) const;

 private:
  const Dataset& dataset_;
  const Split& split_;
};

// Calls `visit` for each run in turn, the next one being read meanwhile. `runs(i)` is the i-th.
template <class Runs, class Visit>
void VisitRuns(const RowPages& pages, std::size_t count, const Runs& runs, const Visit& visit) {
  for (std::size_t i = 0; i < count; ++i) {
    if (i == 0) pages.Want(runs(0));
    if (i + 1 < count) pages.Want(runs(i + 1));
    visit(runs(i));
    pages.GiveUp(runs(i));
  }
}

}  // namespace ddl
