// SPDX-License-Identifier: Apache-2.0
#include "trainer/data_shelf.h"

#include <algorithm>
#include <cassert>

namespace ddl {

DataShelf::Loan DataShelf::Borrow(const Json& data) {
  const auto [found, is_new] = places_.try_emplace(DumpJson(data));
  Place& place = found->second;
  if (is_new) {
    place.loan = std::async(std::launch::deferred, [data] {
                   return LoadDataset(data, DataPathsFromEnvironment());
                 }).share();
  }
  ++place.users;
  return place.loan;
}

void DataShelf::GiveBack(const Json& data, bool is_good) {
  const auto found = places_.find(DumpJson(data));
  assert(found != places_.end() && found->second.users > 0);
  Place& place = found->second;
  --place.users;
  place.returned = ++returns_;
  // Those who wait for it hold the loan themselves.
  if (!is_good && place.users == 0) places_.erase(found);
  Tidy();
}

void DataShelf::Tidy() {
  const auto is_idle = [](const auto& entry) { return entry.second.users == 0; };
  while (static_cast<std::size_t>(std::ranges::count_if(places_, is_idle)) > kIdleKept) {
    auto oldest = places_.end();
    for (auto place = places_.begin(); place != places_.end(); ++place) {
      const bool is_older =
          oldest == places_.end() || place->second.returned < oldest->second.returned;
      if (is_idle(*place) && is_older) oldest = place;
    }
    places_.erase(oldest);
  }
}

}  // namespace ddl
