// SPDX-License-Identifier: Apache-2.0
// Feeds a target every file of its corpus folder, in order of names. All targets are in this
// program, each under a name of its own (replay.h). A file *.hex is hexadecimal text ('#' begins a
// comment), all others are taken as they are. Also every beginning of each input, up to the first
// 512 bytes, so that each cut is tried.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/replay.h"

namespace {

namespace fs = std::filesystem;

std::string Unhex(const std::string& text) {
  std::string digits;
  bool is_comment = false;
  for (const char c : text) {
    is_comment = c == '#' || (is_comment && c != '\n');
    if (!is_comment && std::isxdigit(static_cast<unsigned char>(c)) != 0) digits += c;
  }
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

std::string Read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return path.extension() == ".hex" ? Unhex(text) : text;
}

// From memory of exactly that size, so that sanitizers see a read beyond it.
void Feed(ddl::ReplayTarget& target, const std::string& input, std::size_t size) {
  const std::vector<std::uint8_t> bytes(input.begin(),
                                        input.begin() + static_cast<std::ptrdiff_t>(size));
  (void)target(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  ddl::ReplayTarget* target = argc == 3 ? ddl::FindReplayTarget(argv[1]) : nullptr;
  if (target == nullptr || !fs::is_directory(argv[2])) {
    std::fprintf(stderr, "usage: %s TARGET CORPUS_FOLDER\n", argv[0]);
    return 2;
  }
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(argv[2]))
    files.push_back(entry.path());
  std::ranges::sort(files);
  for (const fs::path& file : files) {
    std::printf("%s\n", file.filename().c_str());
    std::fflush(stdout);
    const std::string input = Read(file);
    for (std::size_t size = 0; size < std::min<std::size_t>(input.size(), 512); ++size)
      Feed(*target, input, size);
    Feed(*target, input, input.size());
  }
  std::printf("%zu inputs\n", files.size());
  return files.empty() ? 1 : 0;
}
