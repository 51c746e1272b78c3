// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/ptx.h"

#include <cstring>
#include <optional>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "tests/emulator/kernel_reader.h"
#include "tests/emulator/ptx_text.h"

namespace ddl::emulator {

namespace {

// ".global .align 16 .b8 name[16];", zeroed.
void ReadGlobal(Module& module, std::string_view line) {
  const std::size_t type = line.find(".b8 ");
  if (type == std::string_view::npos || line.find('=') != std::string_view::npos) {
    throw std::runtime_error("a variable that is no zeroed .b8");
  }
  std::string_view rest = line.substr(type + std::strlen(".b8 "));
  const std::string name(Take(rest, "["));
  Global global;
  global.bytes = ReadNumber<std::size_t>(Take(rest, "]"));
  const std::size_t words = (global.bytes + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t) + 1;
  global.memory = std::make_unique<std::uint64_t[]>(words);
  module.globals[name] = std::move(global);
}

class ModuleReader {
 public:
  // False where the kernels are over.
  bool Line(std::string_view line);
  Module module;

 private:
  std::optional<KernelReader> reader_;
  std::unique_ptr<Kernel> kernel_;
  int depth_ = 0;
};

bool ModuleReader::Line(std::string_view line) {
  if (depth_ > 0) {
    if (line == "{") ++depth_;
    if (line == "}" && --depth_ == 0) {
      reader_->End();
      reader_.reset();
      std::string name = kernel_->name;
      module.kernels.emplace(std::move(name), std::move(*kernel_));
      return true;
    }
    reader_->Line(line);
    return true;
  }
  if (line.starts_with(".section")) return false;
  if (line.starts_with(".file")) {
    std::string_view rest = Trimmed(line.substr(std::strlen(".file")));
    const auto number = ReadNumber<std::uint32_t>(Take(rest, " \t"));
    (void)Take(rest, "\"");
    module.files[number] = Take(rest, "\"");
  } else if (line.starts_with(".extern .shared")) {
    std::string_view rest = line.substr(0, line.find('['));
    module.asked_for = rest.substr(rest.rfind(' ') + 1);
  } else if (line.starts_with(".global")) {
    ReadGlobal(module, line);
  } else if (const std::size_t entry = line.find(".entry "); entry != std::string_view::npos) {
    kernel_ = std::make_unique<Kernel>();
    std::string_view rest = line.substr(entry + std::strlen(".entry "));
    kernel_->name = Take(rest, "(");
  } else if (line.starts_with(".param")) {
    std::string_view rest = line;
    (void)Take(rest, "[");
    kernel_->parameter_bytes = ReadNumber<std::size_t>(Take(rest, "]"));
  } else if (line.starts_with(".maxntid")) {
    std::string_view rest = Trimmed(line.substr(std::strlen(".maxntid")));
    kernel_->most_threads = ReadNumber<std::uint32_t>(Take(rest, ","));
  } else if (line == "{") {
    reader_.emplace(module, *kernel_);
    depth_ = 1;
  }
  return true;
}

}  // namespace

std::string Module::SourceOf(const Instruction& instruction) const {
  const auto file = files.find(instruction.file);
  if (file == files.end()) return "?";
  return fmt::format("{}:{}", file->second.substr(file->second.rfind('/') + 1), instruction.line);
}

Module ReadPtx(std::string_view text) {
  ModuleReader reader;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    line = Trimmed(line.substr(0, line.find("//")));
    if (line.empty()) continue;
    try {
      if (!reader.Line(line)) break;
    } catch (const std::exception& problem) {
      throw std::runtime_error(fmt::format("PTX, line {}: {}: {}", number, line, problem.what()));
    }
  }
  return std::move(reader.module);
}

}  // namespace ddl::emulator
