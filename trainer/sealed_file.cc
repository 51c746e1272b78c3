// SPDX-License-Identifier: Apache-2.0
#include "trainer/sealed_file.h"

#include <cassert>
#include <cstring>

#include <fmt/format.h>
#include <zlib.h>

namespace ddl {

namespace {

constexpr std::size_t kMagicBytes = 8;
constexpr std::size_t kWord = sizeof(std::uint32_t);
constexpr std::size_t kPreamble = kMagicBytes + 2 * kWord;

void AppendWord(std::string& bytes, std::uint32_t word) {
  AppendBytes(bytes, &word, sizeof word);
}

std::uint32_t WordAt(std::string_view bytes, std::size_t offset) {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes.data() + offset, sizeof word);
  return word;
}

std::uint32_t ChecksumOf(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

void AppendBytes(std::string& bytes, const void* from, std::size_t count) {
  if (count > 0) bytes.append(static_cast<const char*>(from), count);
}

std::string BeginSealed(const SealKind& kind, const Json& header, std::size_t body_bytes) {
  assert(kind.magic.size() == kMagicBytes);
  const std::string json = DumpJson(header);
  std::string bytes(kind.magic);
  bytes.reserve(kPreamble + json.size() + body_bytes + kWord);
  AppendWord(bytes, kind.version);
  AppendWord(bytes, static_cast<std::uint32_t>(json.size()));
  bytes += json;
  return bytes;
}

void Seal(std::string& bytes) {
  AppendWord(bytes, ChecksumOf(bytes));
}

std::variant<SealedContent, BrokenSeal> OpenSealed(const SealKind& kind, std::string_view bytes) {
  if (bytes.size() < kPreamble + kWord || !bytes.starts_with(kind.magic)) {
    return BrokenSeal{fmt::format("not a {}, or cut short", kind.what)};
  }
  if (const std::uint32_t version = WordAt(bytes, kMagicBytes); version != kind.version) {
    return BrokenSeal{fmt::format("format version {}, not {}", version, kind.version)};
  }
  const std::string_view sealed = bytes.substr(0, bytes.size() - kWord);
  if (ChecksumOf(sealed) != WordAt(bytes, sealed.size())) {
    return BrokenSeal{"the checksum is wrong"};
  }
  const std::size_t length = WordAt(bytes, kMagicBytes + kWord);
  if (length > sealed.size() - kPreamble) return BrokenSeal{"the header is longer than the file"};
  return SealedContent{.header = sealed.substr(kPreamble, length),
                       .body = sealed.substr(kPreamble + length)};
}

}  // namespace ddl
