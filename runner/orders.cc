// SPDX-License-Identifier: Apache-2.0
#include "runner/orders.h"

#include <charconv>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "runner/file.h"

namespace ddl {

namespace {

constexpr std::string_view kControl = "control ";
constexpr std::string_view kAck = "ack ";

std::string TextOf(OrderKind kind, std::string_view line) {
  switch (kind) {
    case OrderKind::kStop:
      return "stop\n";
    case OrderKind::kKill:
      return "kill\n";
    case OrderKind::kControl:
      return fmt::format("{}{}\n", kControl, line);
  }
  return {};
}

Delivery Wake(const std::string& job_folder, const std::string& line) {
  const FileDescriptor fifo = OpenFile(job_folder + "/orders", O_WRONLY | O_NONBLOCK);
  if (!fifo) return Delivery::kNobody;
  // A full pipe has woken its reader already.
  (void)!::write(fifo.Get(), line.data(), line.size());
  return Delivery::kDone;
}

}  // namespace

Delivery PostOrder(const std::string& job_folder, OrderKind kind, std::string_view line) {
  // Aside first: a supervisor never sees half an order. link() refuses a number that is taken.
  const std::string aside = job_folder + "/order.aside";
  ::unlink(aside.c_str());
  {
    const FileDescriptor file = OpenFile(aside, O_WRONLY | O_CREAT | O_EXCL);
    if (!file || !WriteAll(file.Get(), TextOf(kind, line))) return Delivery::kNotWritten;
  }
  constexpr int kMaxOrders = 100'000;
  for (int number = 1; number < kMaxOrders; ++number) {
    const std::string path = fmt::format("{}/order.{}", job_folder, number);
    if (::link(aside.c_str(), path.c_str()) != 0) continue;
    ::unlink(aside.c_str());
    return Wake(job_folder, "order\n");
  }
  return Delivery::kNotWritten;
}

Delivery PostAck(const std::string& job_folder, std::int64_t committed_seq) {
  return Wake(job_folder, fmt::format("{}{}\n", kAck, committed_seq));
}

std::optional<OrderText> ParseOrder(std::string_view text) {
  if (text.empty() || text.back() != '\n') return std::nullopt;
  text.remove_suffix(1);
  if (text == "stop") return OrderText{OrderKind::kStop, {}};
  if (text == "kill") return OrderText{OrderKind::kKill, {}};
  if (!text.starts_with(kControl)) return std::nullopt;
  return OrderText{OrderKind::kControl, std::string(text.substr(kControl.size()))};
}

std::optional<std::int64_t> ParseAck(std::string_view line) {
  if (!line.starts_with(kAck)) return std::nullopt;
  line.remove_prefix(kAck.size());
  std::int64_t seq = 0;
  const auto [end, problem] = std::from_chars(line.data(), line.data() + line.size(), seq);
  if (problem != std::errc() || end != line.data() + line.size()) return std::nullopt;
  return seq;
}

}  // namespace ddl
