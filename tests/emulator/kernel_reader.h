// SPDX-License-Identifier: Apache-2.0
// One kernel of PTX, line by line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/emulator/ptx.h"

namespace ddl::emulator {

struct Register {
  std::uint32_t place = 0;
  std::uint32_t bits = 0;
};

// One kernel while it is read.
class KernelReader {
 public:
  KernelReader(Module& module, Kernel& kernel) : module_(module), kernel_(kernel) {}

  void Line(std::string_view line);
  void End();

 private:
  void Declare(std::string_view line);
  void ReadShared(std::string_view line);
  void Source(std::string_view line);
  void ReadInstruction(std::string_view line);
  void ReadOperands(std::string_view name, std::string_view text, Instruction& instruction);
  [[nodiscard]] Register Operand(std::string_view name, std::size_t index, std::string_view text);
  [[nodiscard]] std::uint32_t Place(std::uint32_t bits);
  [[nodiscard]] Register Constant(std::uint64_t value, std::uint32_t bits);
  [[nodiscard]] Register SpecialRegister(Special special, std::uint32_t bits);
  [[nodiscard]] std::optional<std::uint64_t> Symbol(std::string_view name) const;
  [[nodiscard]] static std::uint64_t Literal(std::string_view text);

  Module& module_;
  Kernel& kernel_;
  std::map<std::string, Register, std::less<>> registers_;
  std::map<std::pair<std::uint64_t, std::uint32_t>, Register> constants_;
  std::map<std::string, std::uint64_t, std::less<>> shared_;
  std::map<std::string, std::uint32_t, std::less<>> labels_;
  std::vector<std::pair<std::uint32_t, std::string>> branches_;
  // Constants come first, so that they can be copied in one go; where the others begin is known
  // at the end.
  std::uint32_t constant_bytes_ = 0;
  std::uint32_t bytes_ = 0;
  std::uint32_t file_ = 0;
  std::uint32_t line_ = 0;
};

}  // namespace ddl::emulator
