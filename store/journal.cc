// SPDX-License-Identifier: Apache-2.0
#include "store/journal.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "configs/error.h"
#include "store/change_fields.h"

namespace ddl {

namespace {

constexpr std::array<std::string_view, 3> kMagics{"ddljrn1\n", "ddljrn2\n",
                                                  "ddljrn3\n"};  // one a version
constexpr std::string_view kMagic = kMagics.back();
constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kRecordHead = 12;

// FNV-1a.
std::uint64_t Checksum(std::string_view bytes) {
  std::uint64_t sum = 0xcbf29ce484222325ULL;
  for (const char byte : bytes) {
    sum = (sum ^ static_cast<unsigned char>(byte)) * 0x100000001b3ULL;
  }
  return sum;
}

class Packer {
 public:
  explicit Packer(std::string& out) : out_(out) {}
  [[nodiscard]] static std::size_t Version() { return kMagics.size(); }
  template <class... Values>
  void operator()(const Values&... values) {
    (One(values), ...);
  }

 private:
  template <class Value>
  void One(const Value& value) {
    if constexpr (std::is_enum_v<Value>) {
      One(static_cast<std::int32_t>(value));
    } else {
      static_assert(std::is_arithmetic_v<Value>);
      out_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
  }
  void One(const std::string& text) {
    One(static_cast<std::uint32_t>(text.size()));
    out_ += text;
  }
  template <class Value>
  void One(const std::optional<Value>& value) {
    One(value.has_value());
    if (value) One(*value);
  }
  std::string& out_;
};

class Unpacker {
 public:
  Unpacker(std::string_view bytes, std::size_t version) : rest_(bytes), version_(version) {}
  [[nodiscard]] std::size_t Version() const { return version_; }
  template <class... Values>
  void operator()(Values&... values) {
    (One(values), ...);
  }
  [[nodiscard]] bool IsAtEnd() const { return rest_.empty(); }
  [[nodiscard]] bool IsGood() const { return is_good_; }

 private:
  template <class Value>
  void One(Value& value) {
    if constexpr (std::is_enum_v<Value>) {
      std::int32_t number = 0;
      One(number);
      if (!std::in_range<std::underlying_type_t<Value>>(number)) return Fail();
      value = static_cast<Value>(number);
      return;
    }
    if (rest_.size() < sizeof value) return Fail();
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
  }
  void One(std::string& text) {
    std::uint32_t size = 0;
    One(size);
    if (rest_.size() < size) return Fail();
    text = rest_.substr(0, size);
    rest_.remove_prefix(size);
  }
  template <class Value>
  void One(std::optional<Value>& value) {
    bool has_value = false;
    One(has_value);
    if (has_value) One(value.emplace());
  }
  void Fail() {
    is_good_ = false;
    rest_ = {};
  }
  std::string_view rest_;
  std::size_t version_;
  bool is_good_ = true;
};

// The alternative of that index, empty.
template <std::size_t... Index>
Change EmptyChange(std::size_t index, std::index_sequence<Index...>) {
  Change change;
  ((index == Index ? void(change.emplace<Index>()) : void()), ...);
  return change;
}

std::optional<JournalEntry> Decode(std::string_view payload, std::size_t version) {
  Unpacker unpack(payload, version);
  JournalEntry entry;
  unpack(entry.number);
  while (unpack.IsGood() && !unpack.IsAtEnd()) {
    std::uint8_t index = 0;
    unpack(index);
    if (index >= std::variant_size_v<Change>) return std::nullopt;
    Change change = EmptyChange(index, std::make_index_sequence<std::variant_size_v<Change>>());
    std::visit([&](auto& alternative) { Fields(unpack, alternative); }, change);
    entry.changes.push_back(std::move(change));
  }
  return unpack.IsGood() ? std::optional(std::move(entry)) : std::nullopt;
}

void Take(JournalEntry entry, JournalText& text) {
  if (entry.number < 0) {
    text.confirmed = std::max(text.confirmed, -entry.number);
    return;
  }
  while (!text.entries.empty() && text.entries.back().number >= entry.number) {
    text.entries.pop_back();
  }
  text.entries.push_back(std::move(entry));
}

std::string PathIn(const std::string& folder) {
  return folder + "/changes";
}

}  // namespace

JournalText ReadJournal(const std::string& folder) {
  std::ifstream stream(PathIn(folder), std::ios::binary);
  if (!stream.is_open() && errno != ENOENT) {
    throw SystemError("cannot read", PathIn(folder), "check the disk");
  }
  const std::string bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  std::string_view rest = bytes;
  JournalText text;
  if (rest.size() < kMagic.size() + kIdBytes) return text;
  const auto* const magic = std::ranges::find(kMagics, rest.substr(0, kMagic.size()));
  if (magic == kMagics.end()) return text;
  text.version = static_cast<std::size_t>(magic - kMagics.begin()) + 1;
  text.store_id = rest.substr(kMagic.size(), kIdBytes);
  rest.remove_prefix(kMagic.size() + kIdBytes);
  while (rest.size() >= kRecordHead) {
    std::uint32_t size = 0;
    std::uint64_t sum = 0;
    std::memcpy(&size, rest.data(), sizeof size);
    std::memcpy(&sum, rest.data() + sizeof size, sizeof sum);
    if (size == 0 || rest.size() - kRecordHead < size) break;
    const std::string_view payload = rest.substr(kRecordHead, size);
    if (Checksum(payload) != sum) break;
    std::optional<JournalEntry> entry = Decode(payload, text.version);
    if (!entry) break;
    Take(*std::move(entry), text);
    rest.remove_prefix(kRecordHead + size);
  }
  text.bytes = static_cast<std::int64_t>(bytes.size() - rest.size());
  return text;
}

Journal::Journal(const std::string& folder, const std::string& store_id)
    : fd_(::open(PathIn(folder).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)),
      head_(std::string(kMagic) + store_id) {
  head_.resize(kMagic.size() + kIdBytes);
  const JournalText known = ReadJournal(folder);
  if (known.store_id != store_id) {
    Restart();
    return;
  }
  end_ = known.bytes;
  const bool is_earlier = known.version < kMagics.size();  // of use until the next backup
  is_broken_ = fd_ < 0 || is_earlier || ::ftruncate(fd_, end_) != 0;
}

Journal::~Journal() {
  if (fd_ >= 0) ::close(fd_);
}

void Journal::Add(std::int64_t number, std::span<const Change> changes) {
  std::string payload;
  Packer pack(payload);
  pack(number);
  for (const Change& change : changes) {
    if (std::holds_alternative<MetricsAdded>(change)) continue;
    pack(static_cast<std::uint8_t>(change.index()));
    std::visit([&](auto alternative) { Fields(pack, alternative); }, change);
  }
  Append(payload);
}

void Journal::Confirm(std::int64_t number) {
  std::string payload;
  Packer pack(payload);
  pack(-number);
  Append(payload);
}

void Journal::Restart() {
  end_ = std::ssize(head_);
  is_broken_ = fd_ < 0 || ::ftruncate(fd_, 0) != 0 ||
               ::pwrite(fd_, head_.data(), head_.size(), 0) != std::ssize(head_);
}

void Journal::Append(const std::string& payload) {
  if (is_broken_) return;
  std::string record;
  Packer pack(record);
  pack(static_cast<std::uint32_t>(payload.size()), Checksum(payload));
  record += payload;
  const ssize_t written = ::pwrite(fd_, record.data(), record.size(), end_);
  is_broken_ = written != static_cast<ssize_t>(record.size());
  if (!is_broken_) end_ += written;
}

}  // namespace ddl
