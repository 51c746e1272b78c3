// SPDX-License-Identifier: Apache-2.0
// Any text as an order's file and as an acknowledgement; and an order that is written is found as
// it was.
#include <fcntl.h>

#include "runner/file.h"
#include "runner/orders.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace ddl;
  const std::string_view text = AsText(bytes, size);
  if (const std::optional<OrderText> order = ParseOrder(text)) {
    const std::string again = order->kind == OrderKind::kStop   ? "stop\n"
                              : order->kind == OrderKind::kKill ? "kill\n"
                                                                : "control " + order->line + "\n";
    Promise(again == text, "an order has one spelling");
    static const MemoryFolder folder;
    const std::string path = folder.Path() + "/order.1";
    (void)::unlink(path.c_str());
    Promise(WriteOrder(folder.Path(), order->kind, order->line),
            "an order is written where nobody listens");
    Promise(ReadFile(path) == std::string(text), "an order is found as it was posted");
  }
  static const MemoryFolder acknowledged;
  {
    const FileDescriptor file =
        OpenFile(acknowledged.Path() + "/ack", O_WRONLY | O_CREAT | O_TRUNC);
    Promise(WriteAll(file.Get(), text), "memory takes an acknowledgement");
  }
  const std::optional<std::int64_t> seq = ReadAck(acknowledged.Path());
  Promise(seq.has_value() == (size == sizeof *seq), "an acknowledgement has eight bytes");
  return 0;
}
