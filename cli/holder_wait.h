// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

namespace ddl {

// Waits for who holds a store's lock and does not listen on its socket: a coordinator that starts
// or leaves, or a command such as `ddl store backup`, which never listens.
class HolderWait {
 public:
  HolderWait(std::string folder, std::chrono::milliseconds patience);

  // A pause, longer from time to time, 100 ms at most. Throws Error, which names the holder, where
  // patience is at its end.
  void Pause();
  // Somebody was heard of meanwhile: as if it began now.
  void BeginAgain();

 private:
  std::string folder_;
  std::chrono::milliseconds patience_;
  std::chrono::milliseconds next_{};
  std::chrono::steady_clock::time_point until_;
};

}  // namespace ddl
