// SPDX-License-Identifier: Apache-2.0
#include "trainer/text.h"

#include <array>
#include <filesystem>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/record_check.h"
#include "trainer/whole_file.h"

namespace ddl {

namespace {

using Vocabulary = std::array<std::optional<std::uint8_t>, 256>;

std::string NameOfByte(unsigned char byte) {
  const bool is_plain = byte > ' ' && byte < 0x7F;
  return is_plain ? std::string(1, static_cast<char>(byte)) : fmt::format("0x{:02x}", byte);
}

std::vector<std::uint8_t> Tokens(const std::string& text, const Vocabulary& vocabulary,
                                 const std::string& path) {
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

// 0 where there is no file: its reader will say so.
std::size_t SizeOfFile(const std::string& path) {
  std::error_code failure;
  const std::uintmax_t bytes = std::filesystem::file_size(path, failure);
  return failure ? 0 : static_cast<std::size_t>(bytes);
}

}  // namespace

ReadData ReadText(const std::string& train_path, const std::string& test_path) {
  // Before they fill the memory.
  CheckTextLength(SizeOfFile(train_path) + SizeOfFile(test_path), train_path);
  const std::string text = ReadWholeFile(train_path);
  std::array<bool, 256> occurs{};
  for (const char c : text) {
    occurs[static_cast<unsigned char>(c)] = true;
  }
  Vocabulary vocabulary;
  ReadData data{.name = "text", .shape = {1}, .is_bytes = true, .context = 1};
  for (std::size_t byte = 0; byte < occurs.size(); ++byte) {
    if (!occurs[byte]) continue;
    vocabulary[byte] = static_cast<std::uint8_t>(data.classes++);
    data.class_names.push_back(NameOfByte(static_cast<unsigned char>(byte)));
  }
  data.train.bytes = Tokens(text, vocabulary, train_path);
  if (!test_path.empty()) {
    data.test.bytes = Tokens(ReadWholeFile(test_path), vocabulary, test_path);
  }
  if (data.classes < 2) {
    throw Error("a text of one character", train_path, "name a text with at least two");
  }
  return data;
}

void CutIntoContexts(Dataset& text, std::size_t context, const std::string& where) {
  for (const Split* part : {&text.train, &text.test}) {
    const std::size_t tokens = std::get<std::span<const std::uint8_t>>(part->features).size();
    const bool is_left_out = part == &text.test && tokens == 0;
    if (is_left_out || tokens > context) continue;
    throw Error(fmt::format("{} bytes, and a context of {} needs more", tokens, context), where,
                "make data.context smaller, or name a longer text");
  }
  text.context = context;
  text.features = context;
  text.shape = {context};
}

}  // namespace ddl
