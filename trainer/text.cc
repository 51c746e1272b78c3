// SPDX-License-Identifier: Apache-2.0
#include "trainer/text.h"

#include <array>
#include <optional>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/whole_file.h"

namespace ddl {

namespace {

using Vocabulary = std::array<std::optional<std::uint8_t>, 256>;

std::string NameOfByte(unsigned char byte) {
  const bool is_plain = byte > ' ' && byte < 0x7F;
  return is_plain ? std::string(1, static_cast<char>(byte)) : fmt::format("0x{:02x}", byte);
}

std::vector<std::uint8_t> Tokens(const std::string& text, const Vocabulary& vocabulary,
                                 const std::string& path, std::size_t context) {
  if (text.size() <= context) {
    throw Error(fmt::format("{} bytes, and a context of {} needs more", text.size(), context), path,
                "make data.context smaller, or name a longer text");
  }
  std::vector<std::uint8_t> tokens;
  tokens.reserve(text.size());
  for (const char c : text) {
    const std::optional<std::uint8_t> token = vocabulary[static_cast<unsigned char>(c)];
    if (!token) {
      throw Error(fmt::format("byte {} ({}) does not occur in the training text", tokens.size() + 1,
                              NameOfByte(static_cast<unsigned char>(c))),
                  path, "take it out, or train on a text that has it");
    }
    tokens.push_back(*token);
  }
  return tokens;
}

}  // namespace

ReadData ReadText(const std::string& train_path, const std::string& test_path,
                  std::size_t context) {
  const std::string text = ReadWholeFile(train_path);
  std::array<bool, 256> occurs{};
  for (const char c : text) {
    occurs[static_cast<unsigned char>(c)] = true;
  }
  Vocabulary vocabulary;
  ReadData data{.name = "text", .shape = {context}, .is_bytes = true, .context = context};
  for (std::size_t byte = 0; byte < occurs.size(); ++byte) {
    if (!occurs[byte]) continue;
    vocabulary[byte] = static_cast<std::uint8_t>(data.classes++);
    data.class_names.push_back(NameOfByte(static_cast<unsigned char>(byte)));
  }
  data.train.bytes = Tokens(text, vocabulary, train_path, context);
  if (!test_path.empty()) {
    data.test.bytes = Tokens(ReadWholeFile(test_path), vocabulary, test_path, context);
  }
  if (data.classes < 2) {
    throw Error("a text of one character", train_path, "name a text with at least two");
  }
  return data;
}

}  // namespace ddl
