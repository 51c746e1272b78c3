// SPDX-License-Identifier: Apache-2.0
#include "runner/orders.h"

#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "runner/file.h"

namespace ddl {

namespace {

constexpr std::string_view kControl = "control ";

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

}  // namespace

bool WriteOrder(const std::string& job_folder, OrderKind kind, std::string_view line) {
  // Aside first: a supervisor never sees half an order. link() refuses a number that is taken.
  const std::string aside = job_folder + "/order.aside";
  ::unlink(aside.c_str());
  {
    const FileDescriptor file = OpenFile(aside, O_WRONLY | O_CREAT | O_EXCL);
    if (!file || !WriteAll(file.Get(), TextOf(kind, line))) return false;
  }
  constexpr int kMaxOrders = 100'000;
  for (int number = 1; number < kMaxOrders; ++number) {
    const std::string path = fmt::format("{}/order.{}", job_folder, number);
    if (::link(aside.c_str(), path.c_str()) != 0) continue;
    ::unlink(aside.c_str());
    return true;
  }
  return false;
}

void PostAck(const std::string& job_folder, std::int64_t committed_seq) {
  const FileDescriptor file = OpenFile(job_folder + "/ack", O_WRONLY | O_CREAT);
  // One aligned write of eight bytes: a reader sees the old number or the new one.
  const std::string_view bytes(reinterpret_cast<const char*>(&committed_seq), sizeof committed_seq);
  if (file) (void)WriteAllAt(file.Get(), bytes, 0);
}

std::optional<OrderText> ParseOrder(std::string_view text) {
  if (text.empty() || text.back() != '\n') return std::nullopt;
  text.remove_suffix(1);
  if (text == "stop") return OrderText{OrderKind::kStop, {}};
  if (text == "kill") return OrderText{OrderKind::kKill, {}};
  if (!text.starts_with(kControl)) return std::nullopt;
  return OrderText{OrderKind::kControl, std::string(text.substr(kControl.size()))};
}

std::optional<std::int64_t> ReadAck(const std::string& job_folder) {
  const std::optional<std::string> bytes = ReadFile(job_folder + "/ack");
  std::int64_t seq = 0;
  if (!bytes || bytes->size() != sizeof seq) return std::nullopt;
  std::memcpy(&seq, bytes->data(), sizeof seq);
  return seq;
}

}  // namespace ddl
