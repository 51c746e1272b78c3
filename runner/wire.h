// SPDX-License-Identifier: Apache-2.0
// Plain values as bytes: numbers little-endian, enumerators as 32-bit numbers, texts and lists with
// a 32-bit count before them, structs field by field as message_fields.h lists them.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "runner/message_fields.h"

namespace ddl {

class WireWriter {
 public:
  explicit WireWriter(std::string& out) : out_(out) {}

  template <class... Values>
  void operator()(const Values&... values) {
    (Put(values), ...);
  }

 private:
  template <class Value>
  void Put(const Value& value) {
    if constexpr (std::is_enum_v<Value>) {
      Put(static_cast<std::int32_t>(value));
    } else if constexpr (std::is_arithmetic_v<Value>) {
      out_.append(reinterpret_cast<const char*>(&value), sizeof value);
    } else {
      Fields(*this, const_cast<Value&>(value));  // writing changes nothing
    }
  }
  void Put(const std::string& text) {
    Put(static_cast<std::uint32_t>(text.size()));
    out_ += text;
  }
  template <class Item>
  void Put(const std::vector<Item>& items) {
    Put(static_cast<std::uint32_t>(items.size()));
    for (const Item& item : items) {
      Put(item);
    }
  }
  template <class First, class Second>
  void Put(const std::pair<First, Second>& pair) {
    Put(pair.first);
    Put(pair.second);
  }
  void Put(const std::chrono::milliseconds& duration) { Put(std::int64_t{duration.count()}); }
  template <class Value>
  void Put(const std::optional<Value>& value) {
    Put(value.has_value());
    if (value) Put(*value);
  }

  std::string& out_;
};

// Past the end, and on a count that cannot be, everything is empty and IsWhole is false.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  template <class... Values>
  void operator()(Values&... values) {
    (Take(values), ...);
  }
  // Every byte was read, none was missing.
  [[nodiscard]] bool IsWhole() const { return good_ && rest_.empty(); }

 private:
  template <class Value>
  void Take(Value& value) {
    if constexpr (std::is_same_v<Value, bool>) {
      std::uint8_t byte = 0;
      Take(byte);
      value = byte != 0;
    } else if constexpr (std::is_enum_v<Value>) {
      std::int32_t number = 0;
      Take(number);
      if (!std::in_range<std::underlying_type_t<Value>>(number)) return Fail();
      value = static_cast<Value>(number);
    } else if constexpr (std::is_arithmetic_v<Value>) {
      if (rest_.size() < sizeof value) return Fail();
      std::memcpy(&value, rest_.data(), sizeof value);
      rest_.remove_prefix(sizeof value);
    } else {
      Fields(*this, value);
    }
  }
  void Take(std::string& text) {
    std::uint32_t size = 0;
    Take(size);
    if (rest_.size() < size) return Fail();
    text.assign(rest_.substr(0, size));
    rest_.remove_prefix(size);
  }
  template <class Item>
  void Take(std::vector<Item>& items) {
    std::uint32_t count = 0;
    Take(count);
    if (rest_.size() < count) return Fail();  // every item takes a byte at least
    for (std::uint32_t i = 0; i < count && good_; ++i) {
      Take(items.emplace_back());
    }
  }
  template <class First, class Second>
  void Take(std::pair<First, Second>& pair) {
    Take(pair.first);
    Take(pair.second);
  }
  void Take(std::chrono::milliseconds& duration) {
    std::int64_t count = 0;
    Take(count);
    duration = std::chrono::milliseconds(count);
  }
  template <class Value>
  void Take(std::optional<Value>& value) {
    bool has = false;
    Take(has);
    if (has) Take(value.emplace());
  }
  void Fail() {
    good_ = false;
    rest_ = {};
  }

  std::string_view rest_;
  bool good_ = true;
};

}  // namespace ddl
