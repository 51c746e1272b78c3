// SPDX-License-Identifier: Apache-2.0
// What an agent says to a supervisor. An order is a file order.1, order.2, … in the job's folder,
// so that none is lost, and a signal wakes the supervisor, which start.json names; before that file
// is there, nobody needs to be woken: the supervisor looks for orders once it has written it.
//
//   order.N    "stop\n" | "kill\n" | "control LINE\n"
//   ack        8 bytes, little-endian: metrics up to this number are committed. Read by a
//   supervisor
//              that has much to be acknowledged; nobody is woken.
#pragma once

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runner/messages.h"

namespace ddl {

// The agent's side. Never blocks. False when the file could not be written: no folder, no space.
[[nodiscard]] bool WriteOrder(const std::string& job_folder, OrderKind kind, std::string_view line);
void PostAck(const std::string& job_folder, std::int64_t committed_seq);

// Wakes the supervisor once its order lies there; blocked there, and read from a descriptor.
inline constexpr int kWakeSignal = SIGUSR1;

struct OrderText {
  OrderKind kind = OrderKind::kStop;
  std::string line;
  bool operator==(const OrderText&) const = default;
};

// The supervisor's side. nullopt when the text is none of ours.
[[nodiscard]] std::optional<OrderText> ParseOrder(std::string_view text);
[[nodiscard]] std::optional<std::int64_t> ReadAck(const std::string& job_folder);

}  // namespace ddl
