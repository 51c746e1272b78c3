// SPDX-License-Identifier: Apache-2.0
// Any text as an order's file and as a line of the FIFO; and an order that is posted is found as it
// was.
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
    Promise(PostOrder(folder.Path(), order->kind, order->line) == Delivery::kNobody,
            "an order is posted where nobody listens");
    Promise(ReadFile(path) == std::string(text), "an order is found as it was posted");
  }
  if (const std::optional<std::int64_t> seq = ParseAck(text))
    Promise(ParseAck("ack " + std::to_string(*seq)) == seq, "an acknowledgement is a number");
  return 0;
}
