// SPDX-License-Identifier: Apache-2.0
// The data sets of a process that runs many trials: each is loaded once, by the first trial that
// needs it, and read by all. Borrow and GiveBack are of one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <future>
#include <map>
#include <string>

#include "configs/json.h"
#include "trainer/dataset.h"

namespace ddl {

class DataShelf {
 public:
  // get() loads where nobody has yet, waits where somebody does, and throws Error on any thread.
  using Loan = std::shared_future<Dataset>;

  // Of a value of `data`. What is borrowed stays; of the rest a few.
  [[nodiscard]] Loan Borrow(const Json& data);
  // `is_good` false: it could not be loaded, and the next one tries again.
  void GiveBack(const Json& data, bool is_good);

 private:
  static constexpr std::size_t kIdleKept = 2;
  struct Place {
    Loan loan;
    int users = 0;
    std::uint64_t returned = 0;  // the order in which places became idle
  };
  void Tidy();

  std::map<std::string, Place> places_;
  std::uint64_t returns_ = 0;
};

}  // namespace ddl
