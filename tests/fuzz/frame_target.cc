// SPDX-License-Identifier: Apache-2.0
// A stream of frames, cut anywhere, gives the same messages; a message that is read is written as
// bytes that read to the same. First byte: direction, and whether the rest is a stream or, to get
// past checksums, the body of one frame.
#include <cstring>

#include "runner/crc32c.h"
#include "runner/frames.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace ddl;

std::string Framed(std::string_view body) {
  std::string frame(8, '\0');
  const auto size = static_cast<std::uint32_t>(body.size());
  const std::uint32_t checksum = Crc32c(body);
  std::memcpy(frame.data(), &size, 4);
  std::memcpy(frame.data() + 4, &checksum, 4);
  return frame.append(body);
}

// All messages as they are written again, and how it ended.
template <class Message>
std::string Messages(std::string_view stream, std::size_t piece) {
  FrameReader reader;
  std::string again;
  while (!stream.empty()) {
    reader.Add(TakePiece(stream, piece));
    while (std::optional<Message> message = reader.Next<Message>())
      AppendFrame(*message, again);
  }
  return again + "|" + reader.Problem();
}

template <class Message>
void Check(std::string_view stream, std::size_t piece, bool is_one_frame) {
  const std::string whole = Messages<Message>(stream, stream.size() + 1);
  Promise(whole == Messages<Message>(stream, piece), "cuts do not change the messages");
  const std::string_view written = std::string_view(whole).substr(0, whole.rfind('|'));
  Promise(Messages<Message>(written, written.size() + 1) == std::string(written) + "|",
          "what is written reads to the same");
  // Only booleans have more than one spelling.
  if (is_one_frame && !written.empty())
    Promise(written.size() == stream.size(), "every byte of a frame means something");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view rest = AsText(bytes, size);
  const std::uint8_t choice = TakeByte(rest);
  const std::size_t piece = std::size_t{TakeByte(rest)} + 1;
  const bool wrap = (choice & 1U) != 0;
  const std::string stream = wrap ? Framed(rest) : std::string(rest);
  (choice & 2U) != 0 ? Check<ToHost>(stream, piece, wrap) : Check<FromHost>(stream, piece, wrap);
  return 0;
}
