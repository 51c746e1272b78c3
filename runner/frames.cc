// SPDX-License-Identifier: Apache-2.0
#include "runner/frames.h"

#include <cstdint>
#include <cstring>

#include <fmt/format.h>

#include "runner/crc32c.h"
#include "runner/wire.h"

namespace ddl {

namespace {

constexpr std::size_t kHeadBytes = 8;

template <class Message>
void Append(const Message& message, std::string& out) {
  const std::size_t begin = out.size();
  out.append(kHeadBytes, '\0');
  WireWriter writer(out);
  writer(static_cast<std::uint8_t>(message.index()));
  std::visit([&writer](const auto& alternative) { writer(alternative); }, message);
  const std::string_view body = std::string_view(out).substr(begin + kHeadBytes);
  const auto size = static_cast<std::uint32_t>(body.size());
  const std::uint32_t checksum = Crc32c(body);
  std::memcpy(out.data() + begin, &size, 4);
  std::memcpy(out.data() + begin + 4, &checksum, 4);
}

// The index-th alternative of the variant, read from the payload.
template <class Message, std::size_t kIndex = 0>
bool Decode(std::size_t index, std::string_view payload, Message& message) {
  if constexpr (kIndex < std::variant_size_v<Message>) {
    if (index != kIndex) return Decode<Message, kIndex + 1>(index, payload, message);
    WireReader reader(payload);
    reader(message.template emplace<kIndex>());
    return reader.IsWhole();
  } else {
    return false;
  }
}

}  // namespace

void AppendFrame(const ToHost& message, std::string& out) {
  Append(message, out);
}

void AppendFrame(const FromHost& message, std::string& out) {
  Append(message, out);
}

std::optional<FrameReader::Frame> FrameReader::NextFrame() {
  const std::string_view rest = std::string_view(buffer_).substr(begin_);
  if (!problem_.empty() || rest.size() < kHeadBytes) return std::nullopt;
  std::uint32_t size = 0;
  std::uint32_t checksum = 0;
  std::memcpy(&size, rest.data(), 4);
  std::memcpy(&checksum, rest.data() + 4, 4);
  if (size == 0 || size > kMaxFrame) {
    problem_ = fmt::format("a frame claims {} bytes", size);
    return std::nullopt;
  }
  if (rest.size() < kHeadBytes + size) return std::nullopt;
  const std::string_view body = rest.substr(kHeadBytes, size);
  if (Crc32c(body) != checksum) {
    problem_ = "a frame is damaged";
    return std::nullopt;
  }
  begin_ += kHeadBytes + size;
  return Frame{static_cast<std::uint8_t>(body[0]), body.substr(1)};
}

template <class Message>
std::optional<Message> FrameReader::Next() {
  const std::optional<Frame> frame = NextFrame();
  if (!frame) {
    buffer_.erase(0, begin_);
    begin_ = 0;
    return std::nullopt;
  }
  Message message;
  if (Decode(frame->type, frame->payload, message)) return message;
  problem_ = fmt::format("a message of type {} cannot be read", frame->type);
  return std::nullopt;
}

template std::optional<ToHost> FrameReader::Next<ToHost>();
template std::optional<FromHost> FrameReader::Next<FromHost>();

}  // namespace ddl
