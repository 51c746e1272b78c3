// SPDX-License-Identifier: Apache-2.0
// What may be said to a coordinator over its socket, one JSON object a line.
#pragma once

#include <string>
#include <variant>

#include "scheduler/admission.h"
#include "scheduler/events.h"

namespace ddl {

// Hand over a spec and watch it.
struct OpenWord {
  SweepRequest request;
};
struct WatchWord {
  std::string sweep;  // NAME, the newest of it, or NAME@ID; empty: the newest
};
// `acts.sweep` and `acts.request` are the coordinator's to fill in.
struct ActWord {
  std::string sweep;
  UserAsked acts;
};

using ControlWord = std::variant<OpenWord, WatchWord, ActWord>;

[[nodiscard]] std::string EncodeWord(const ControlWord& word);
// Throws Error on anything else.
[[nodiscard]] ControlWord DecodeWord(const std::string& line);

}  // namespace ddl
