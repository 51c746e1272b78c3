// SPDX-License-Identifier: Apache-2.0
// Messages as bytes. A frame is: u32 size of what follows the checksum, u32 CRC-32C of that, u8
// type, payload; little-endian. Payloads list their fields in order (runner/message_fields.h,
// docs/formats.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runner/messages.h"

namespace ddl {

inline constexpr std::size_t kMaxFrame = std::size_t{16} << 20U;

void AppendFrame(const ToHost& message, std::string& out);
void AppendFrame(const FromHost& message, std::string& out);

// Collects bytes as they come and gives out whole frames.
class FrameReader {
 public:
  void Add(std::string_view bytes) { buffer_ += bytes; }

  // A damaged stream cannot be mended: Problem() says what is wrong, and nothing more comes out.
  template <class Message>  // ToHost or FromHost
  [[nodiscard]] std::optional<Message> Next();
  [[nodiscard]] const std::string& Problem() const { return problem_; }

 private:
  struct Frame {
    std::uint8_t type = 0;
    std::string_view payload;
  };
  std::optional<Frame> NextFrame();

  std::string buffer_;
  std::size_t begin_ = 0;  // of what was not given out
  std::string problem_;
};

}  // namespace ddl
