// SPDX-License-Identifier: Apache-2.0
// Orders to a supervisor. Each is a file order.1, order.2, … in the job's folder, so that none is
// lost, and a byte line in the FIFO `orders` wakes the supervisor. Acknowledgements, which may be
// lost, are lines in the FIFO alone.
//
//   order.N    "stop\n" | "kill\n" | "control LINE\n"
//   orders     "order\n" | "ack SEQ\n"
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runner/messages.h"

namespace ddl {

enum class Delivery {
  kDone,        // the supervisor was woken
  kNobody,      // the file lies there, but no supervisor listens
  kNotWritten,  // the file could not be written: no folder, no space
};

// The agent's side. Never blocks.
Delivery PostOrder(const std::string& job_folder, OrderKind kind, std::string_view line);
Delivery PostAck(const std::string& job_folder, std::int64_t committed_seq);

struct OrderText {
  OrderKind kind = OrderKind::kStop;
  std::string line;
  bool operator==(const OrderText&) const = default;
};

// The supervisor's side. nullopt when the text is none of ours.
[[nodiscard]] std::optional<OrderText> ParseOrder(std::string_view text);
[[nodiscard]] std::optional<std::int64_t> ParseAck(std::string_view line);

}  // namespace ddl
