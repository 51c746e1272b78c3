// SPDX-License-Identifier: Apache-2.0
// A line of what nvcc writes holds one directive, label or instruction.
#include "tests/emulator/kernel_reader.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>

#include "tests/emulator/instructions.h"
#include "tests/emulator/ptx_text.h"

namespace ddl::emulator {

namespace {

constexpr std::uint32_t kPredicateBits = 1;
constexpr std::uint32_t kIsConstant = std::uint32_t{1} << 31U;

std::uint32_t BytesOf(std::uint32_t bits) {
  return bits == kPredicateBits ? sizeof(std::uint64_t) : bits / 8 * kWarpLanes;
}

std::uint32_t BitsOf(std::string_view type) {
  if (type == ".pred") return kPredicateBits;
  return ReadNumber<std::uint32_t>(type.substr(type.find_first_of("0123456789")));
}

// "tf32" and "bf16x2" are 32 bits; the others say theirs.
std::uint32_t BitsOfSuffix(std::string_view name) {
  const std::string_view type = name.substr(name.rfind('.') + 1);
  if (type == "pred") return kPredicateBits;
  return ReadNumber<std::uint32_t>(type.substr(1));
}

// Bits of a constant operand.
std::uint32_t BitsOfConstant(std::string_view name, std::size_t operand) {
  const bool is_shift = name.starts_with("shl.") || name.starts_with("shr.");
  if (is_shift && operand == 2) return 32;
  if (name.starts_with("selp.") && operand == 3) return kPredicateBits;
  const bool is_small = name.ends_with("8");
  return is_small ? 16 : BitsOfSuffix(name);
}

}  // namespace

std::uint32_t KernelReader::Place(std::uint32_t bits) {
  const std::uint32_t place = bytes_;
  bytes_ += BytesOf(bits);
  return place;
}

Register KernelReader::Constant(std::uint64_t value, std::uint32_t bits) {
  const auto [known, is_new] = constants_.try_emplace({value, bits});
  if (is_new) {
    known->second = {constant_bytes_ | kIsConstant, bits};
    constant_bytes_ += BytesOf(bits);
    kernel_.constants.resize(constant_bytes_);
    std::byte* at = kernel_.constants.data() + (known->second.place & ~kIsConstant);
    if (bits == kPredicateBits) {
      std::memset(at, value != 0 ? 0xFF : 0, BytesOf(bits));
    } else {
      for (std::uint32_t lane = 0; lane < kWarpLanes; ++lane) {
        std::memcpy(at + lane * bits / 8, &value, bits / 8);
      }
    }
  }
  return known->second;
}

Register KernelReader::SpecialRegister(Special special, std::uint32_t bits) {
  const auto known = kernel_.specials.find(special);
  if (known != kernel_.specials.end()) return {known->second, bits};
  const std::uint32_t place = Place(bits);
  kernel_.specials[special] = place;
  return {place, bits};
}

// "0f3F800000" and "0d…" are bits of floats and doubles.
std::uint64_t KernelReader::Literal(std::string_view text) {
  if (text.starts_with("0f") || text.starts_with("0d")) {
    return ReadNumber<std::uint64_t>(text.substr(2), 16);
  }
  if (text.starts_with("0x")) return ReadNumber<std::uint64_t>(text.substr(2), 16);
  if (text.starts_with("-")) return static_cast<std::uint64_t>(ReadNumber<std::int64_t>(text));
  return ReadNumber<std::uint64_t>(text);
}

std::optional<std::uint64_t> KernelReader::Symbol(std::string_view name) const {
  const auto shared = shared_.find(name);
  if (shared != shared_.end()) return shared->second;
  if (name == module_.asked_for) return kernel_.shared_bytes;
  const auto global = module_.globals.find(name);
  if (global != module_.globals.end()) {
    return reinterpret_cast<std::uint64_t>(global->second.memory.get());
  }
  return std::nullopt;
}

Register KernelReader::Operand(std::string_view name, std::size_t index, std::string_view text) {
  if (text == "%tid.x") return SpecialRegister(Special::kThread, 32);
  if (text == "%ctaid.x") return SpecialRegister(Special::kBlockX, 32);
  if (text == "%ctaid.y") return SpecialRegister(Special::kBlockY, 32);
  if (text == kernel_.name + "_param_0") return SpecialRegister(Special::kParameters, 64);
  if (text.starts_with('%')) {
    const auto known = registers_.find(text);
    if (known != registers_.end()) return known->second;
    throw std::runtime_error(fmt::format("register '{}' was not declared", text));
  }
  if (const auto symbol = Symbol(text)) {
    return Constant(*symbol, name.starts_with("ld.") || name.starts_with("st.")
                                 ? 64
                                 : BitsOfConstant(name, index));
  }
  const std::uint32_t bits = BitsOfConstant(name, index);
  const std::uint64_t value = Literal(text);
  const std::uint64_t mask = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  return Constant(value & mask, bits);
}

// ".reg .f32 %f<79>;" declares %f0 to %f78.
void KernelReader::Declare(std::string_view line) {
  std::string_view rest = Trimmed(line.substr(std::strlen(".reg")));
  const std::uint32_t bits = BitsOf(Take(rest, " \t"));
  const std::string_view name = Take(rest, "<;");
  if (line.find('<') == std::string_view::npos) {
    registers_[std::string(name)] = {Place(bits), bits};
    return;
  }
  const auto count = ReadNumber<std::uint32_t>(Take(rest, ">"));
  for (std::uint32_t i = 0; i < count; ++i) {
    registers_[fmt::format("{}{}", name, i)] = {Place(bits), bits};
  }
}

// ".shared .align 16 .b8 name[512];"
void KernelReader::ReadShared(std::string_view line) {
  const std::size_t type = line.find(".b8 ");
  if (type == std::string_view::npos) throw std::runtime_error("shared memory that is not .b8");
  std::string_view rest = line.substr(type + std::strlen(".b8 "));
  const std::string_view name = Take(rest, "[");
  shared_[std::string(name)] = kernel_.shared_bytes;
  constexpr std::size_t kAlignment = 16;
  const auto bytes = ReadNumber<std::size_t>(Take(rest, "]"));
  kernel_.shared_bytes += (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// ".loc 2 86 3, function_name …": file, line.
void KernelReader::Source(std::string_view line) {
  std::string_view rest = Trimmed(line.substr(std::strlen(".loc")));
  file_ = ReadNumber<std::uint32_t>(Take(rest, " \t"));
  line_ = ReadNumber<std::uint32_t>(Take(rest, " \t"));
}

void KernelReader::Line(std::string_view line) {
  if (line.starts_with(".reg")) {
    Declare(line);
  } else if (line.starts_with(".shared")) {
    ReadShared(line);
  } else if (line.starts_with(".loc")) {
    Source(line);
  } else if (line.starts_with(".") || line == "{" || line == "}") {
    return;  // hints, and borders of names, which are declared anew where they are used again
  } else if (line.ends_with(":")) {
    labels_[std::string(line.substr(0, line.size() - 1))] =
        static_cast<std::uint32_t>(kernel_.instructions.size());
  } else {
    ReadInstruction(line);
  }
}

void KernelReader::ReadInstruction(std::string_view line) {
  Instruction instruction;
  instruction.file = file_;
  instruction.line = line_;
  std::string_view rest = line;
  if (rest.starts_with('@')) {
    std::string_view guard = Take(rest, " \t").substr(1);
    instruction.guard_is_negated = guard.starts_with('!');
    if (instruction.guard_is_negated) guard.remove_prefix(1);
    instruction.guard = Operand("", 0, guard).place;
    rest = Trimmed(rest);
  }
  rest = rest.substr(0, rest.rfind(';'));
  const std::string name(Take(rest, " \t"));
  rest = Trimmed(rest);
  if (name == "ret") {
    instruction.flow = Flow::kReturn;
  } else if (name == "bar.sync") {
    if (rest != "0") throw std::runtime_error("a barrier other than 0");
    instruction.flow = Flow::kBarrier;
  } else if (name == "bra" || name == "bra.uni") {
    instruction.flow = Flow::kBranch;
    branches_.emplace_back(static_cast<std::uint32_t>(kernel_.instructions.size()), rest);
  } else {
    if (name.starts_with("mma.")) instruction.flow = Flow::kProduct;
    if (name.starts_with("ldmatrix.")) instruction.flow = Flow::kTogether;
    ReadOperands(name, rest, instruction);
  }
  kernel_.instructions.push_back(instruction);
}

// "{%r1, %r2}, [%rd1+16]": in order, braces left out; of a name, "v2" and "v4" are too.
void KernelReader::ReadOperands(std::string_view name, std::string_view text,
                                Instruction& instruction) {
  std::string known(name);
  const bool is_move = name.starts_with("ld.") || name.starts_with("st.");
  for (const auto& [vector, numbers] : {std::pair{".v2", 2}, std::pair{".v4", 4}}) {
    const std::size_t at = known.find(vector);
    if (at == std::string::npos) continue;
    known.erase(at, std::strlen(vector));
    instruction.numbers = static_cast<std::uint8_t>(numbers);
  }
  const std::size_t brace = text.find('{');
  if (name.starts_with("mov.") && brace != std::string_view::npos) {
    known = (brace == 0 ? "unpack" : "pack") + known.substr(std::strlen("mov"));
  }
  std::size_t count = 0;
  std::uint32_t register_bits = 0;
  for (std::string_view rest = text; !rest.empty();) {
    std::string_view one = Take(rest, ",");
    while (one.starts_with('{'))
      one = Trimmed(one.substr(1));
    while (one.ends_with('}'))
      one = Trimmed(one.substr(0, one.size() - 1));
    if (count == kMostOperands) throw std::runtime_error("too many operands");
    if (one.starts_with('[')) {
      one = one.substr(1, one.size() - 2);
      const std::string_view base = Take(one, "+");
      if (!one.empty()) instruction.offset = ReadNumber<std::int64_t>(one);
      const Register address = Operand(name, count, base);
      instruction.has_short_address = address.bits == 32;
      instruction.operands[count++] = address.place;
    } else {
      const Register operand = Operand(known, count, one);
      if (is_move) register_bits = std::max(register_bits, operand.bits);
      instruction.operands[count++] = operand.place;
    }
  }
  instruction.execute = ExecuteOf(known, register_bits);
  if (instruction.execute == nullptr) {
    throw std::runtime_error(fmt::format("'{}' is not known to the emulator", name));
  }
}

void KernelReader::End() {
  const std::uint32_t shift = constant_bytes_;
  const auto settle = [shift](std::uint32_t& place) {
    if (place == kNoPlace) return;
    place = (place & kIsConstant) != 0 ? place & ~kIsConstant : place + shift;
  };
  for (Instruction& instruction : kernel_.instructions) {
    for (std::uint32_t& place : instruction.operands)
      settle(place);
    settle(instruction.guard);
  }
  for (auto& [special, place] : kernel_.specials)
    settle(place);
  for (const auto& [at, label] : branches_) {
    const auto known = labels_.find(label);
    if (known == labels_.end()) throw std::runtime_error("no label " + label);
    kernel_.instructions[at].target = known->second;
    kernel_.instructions.at(known->second).is_joined = true;
  }
  kernel_.register_bytes = constant_bytes_ + bytes_;
}

}  // namespace ddl::emulator
