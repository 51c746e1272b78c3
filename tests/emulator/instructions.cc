// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/instructions.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <type_traits>
#include <utility>

#include "tests/emulator/matrices.h"
#include "tests/emulator/moves.h"
#include "trainer/clones.h"

namespace ddl::emulator {

namespace {

// out = work(in…), in the lanes that are active.
template <class Out, class Work, class... In>
void MapLanes(const Warp& warp, Out* out, Work work, const In*... in) {
  if (warp.active == kAllLanes) {
    for (std::uint32_t lane = 0; lane < kWarpLanes; ++lane) {
      out[lane] = static_cast<Out>(work(in[lane]...));
    }
  } else {
    ForEachLane(warp.active,
                [&](std::uint32_t lane) { out[lane] = static_cast<Out>(work(in[lane]...)); });
  }
}

template <class Out, class... In, class Work>
void Map(const Warp& warp, const Instruction& instruction, Work work) {
  [&]<std::size_t... kPlaces>(std::index_sequence<kPlaces...> /*places*/) {
    MapLanes(warp, warp.At<Out>(instruction.operands[0]), work,
             static_cast<const In*>(warp.At<In>(instruction.operands[1 + kPlaces]))...);
  }(std::index_sequence_for<In...>{});
}

template <class Number>
Execute Binary(auto work) {
  static constexpr decltype(work) kWork{};
  return [](Warp& warp, const Instruction& instruction) {
    Map<Number, Number, Number>(warp, instruction, kWork);
  };
}

template <class Out, class In>
Execute Unary(auto work) {
  static constexpr decltype(work) kWork{};
  return [](Warp& warp, const Instruction& instruction) { Map<Out, In>(warp, instruction, kWork); };
}

template <class Out, class A, class B, class C>
Execute Ternary(auto work) {
  static constexpr decltype(work) kWork{};
  return [](Warp& warp, const Instruction& instruction) {
    Map<Out, A, B, C>(warp, instruction, kWork);
  };
}

// Fused in one instruction where the processor has one.
template <class Number>
DDL_CLONES void MultiplyAdd(Number* __restrict__ out, const Number* a, const Number* b,
                            const Number* c) {
  Number sums[kWarpLanes];
  for (std::uint32_t lane = 0; lane < kWarpLanes; ++lane) {
    if constexpr (std::is_same_v<Number, float>) {
      sums[lane] = __builtin_fmaf(a[lane], b[lane], c[lane]);
    } else {
      sums[lane] = __builtin_fma(a[lane], b[lane], c[lane]);
    }
  }
  std::memcpy(out, sums, sizeof sums);
}

template <class Number>
void ExecuteFma(Warp& warp, const Instruction& instruction) {
  const auto& at = instruction.operands;
  Number sums[kWarpLanes];
  MultiplyAdd(sums, warp.At<Number>(at[1]), warp.At<Number>(at[2]), warp.At<Number>(at[3]));
  Number* out = warp.At<Number>(at[0]);
  if (warp.active == kAllLanes) {
    std::memcpy(out, sums, sizeof sums);
  } else {
    ForEachLane(warp.active, [&](std::uint32_t lane) { out[lane] = sums[lane]; });
  }
}

void Put(Warp& warp, std::uint32_t place, std::uint32_t bits) {
  std::uint32_t& out = warp.Predicate(place);
  out = (out & ~warp.active) | (bits & warp.active);
}

template <class Number>
Execute Compare(auto work) {
  static constexpr decltype(work) kWork{};
  return [](Warp& warp, const Instruction& instruction) {
    const Number* a = warp.At<Number>(instruction.operands[1]);
    const Number* b = warp.At<Number>(instruction.operands[2]);
    std::uint32_t bits = 0;
    for (std::uint32_t lane = 0; lane < kWarpLanes; ++lane) {
      bits |= std::uint32_t{kWork(a[lane], b[lane])} << lane;
    }
    Put(warp, instruction.operands[0], bits);
  };
}

Execute Logic(auto work) {
  static constexpr decltype(work) kWork{};
  return [](Warp& warp, const Instruction& instruction) {
    Put(warp, instruction.operands[0],
        kWork(warp.Predicate(instruction.operands[1]), warp.Predicate(instruction.operands[2])));
  };
}

void ExecuteNot(Warp& warp, const Instruction& instruction) {
  Put(warp, instruction.operands[0], ~warp.Predicate(instruction.operands[1]));
}

void ExecuteMovePredicate(Warp& warp, const Instruction& instruction) {
  Put(warp, instruction.operands[0], warp.Predicate(instruction.operands[1]));
}

template <class Number>
void ExecuteSelect(Warp& warp, const Instruction& instruction) {
  const Number* a = warp.At<Number>(instruction.operands[1]);
  const Number* b = warp.At<Number>(instruction.operands[2]);
  const std::uint32_t bits = warp.Predicate(instruction.operands[3]);
  Number* out = warp.At<Number>(instruction.operands[0]);
  ForEachLane(warp.active, [&](std::uint32_t lane) {
    out[lane] = (bits >> lane & 1U) != 0 ? a[lane] : b[lane];
  });
}

// A number in two halves, the lower one first.
template <class Whole, class Half>
void ExecutePack(Warp& warp, const Instruction& instruction) {
  Map<Whole, Half, Half>(warp, instruction, [](Half low, Half high) {
    return static_cast<Whole>(low) | static_cast<Whole>(high) << (8 * sizeof(Half));
  });
}

template <class Whole, class Half>
void ExecuteUnpack(Warp& warp, const Instruction& instruction) {
  Half* low = warp.At<Half>(instruction.operands[0]);
  Half* high = warp.At<Half>(instruction.operands[1]);
  const Whole* from = warp.At<Whole>(instruction.operands[2]);
  ForEachLane(warp.active, [&](std::uint32_t lane) {
    const Whole whole = from[lane];
    low[lane] = static_cast<Half>(whole);
    high[lane] = static_cast<Half>(whole >> (8 * sizeof(Half)));
  });
}

using Names = std::map<std::string, Execute, std::less<>>;

template <class Number>
void AddComparisons(Names& names, const std::string& type) {
  names["setp.eq." + type] = Compare<Number>([](Number a, Number b) { return a == b; });
  names["setp.ne." + type] = Compare<Number>([](Number a, Number b) { return a < b || a > b; });
  names["setp.lt." + type] = Compare<Number>([](Number a, Number b) { return a < b; });
  names["setp.le." + type] = Compare<Number>([](Number a, Number b) { return a <= b; });
  names["setp.gt." + type] = Compare<Number>([](Number a, Number b) { return a > b; });
  names["setp.ge." + type] = Compare<Number>([](Number a, Number b) { return a >= b; });
}

template <class Number>
void AddWhole(Names& names, const std::string& bits) {
  using Signed = std::make_signed_t<Number>;
  for (const std::string kind : {"s", "u"}) {
    names["add." + kind + bits] = Binary<Number>([](Number a, Number b) { return a + b; });
    names["sub." + kind + bits] = Binary<Number>([](Number a, Number b) { return a - b; });
    names["mul.lo." + kind + bits] =
        Binary<Number>([](Number a, Number b) { return std::uint64_t{a} * b; });
    names["mad.lo." + kind + bits] = Ternary<Number, Number, Number, Number>(
        [](Number a, Number b, Number c) { return std::uint64_t{a} * b + c; });
  }
  names["neg.s" + bits] = Unary<Number, Number>([](Number a) { return Number{0} - a; });
  // What is divided by nothing is not said; here it is all ones.
  names["div.u" + bits] = Binary<Number>(
      [](Number a, Number b) { return b == 0 ? std::numeric_limits<Number>::max() : a / b; });
  names["rem.u" + bits] = Binary<Number>(
      [](Number a, Number b) { return b == 0 ? std::numeric_limits<Number>::max() : a % b; });
  names["min.u" + bits] = Binary<Number>([](Number a, Number b) { return a < b ? a : b; });
  names["max.u" + bits] = Binary<Number>([](Number a, Number b) { return a > b ? a : b; });
  names["and.b" + bits] = Binary<Number>([](Number a, Number b) { return a & b; });
  names["or.b" + bits] = Binary<Number>([](Number a, Number b) { return a | b; });
  names["xor.b" + bits] = Binary<Number>([](Number a, Number b) { return a ^ b; });
  names["not.b" + bits] = Unary<Number, Number>([](Number a) { return ~a; });
  const auto left = [](Warp& warp, const Instruction& instruction) {
    Map<Number, Number, std::uint32_t>(warp, instruction, [](Number a, std::uint32_t by) {
      return by >= 8 * sizeof a ? 0 : std::uint64_t{a} << by;
    });
  };
  const auto right = [](Warp& warp, const Instruction& instruction) {
    Map<Number, Number, std::uint32_t>(warp, instruction, [](Number a, std::uint32_t by) {
      return by >= 8 * sizeof a ? 0 : std::uint64_t{a} >> by;
    });
  };
  names["shl.b" + bits] = left;
  names["shr.u" + bits] = right;
  names["shr.b" + bits] = right;
  for (const std::string kind : {"b", "u", "s"}) {
    names["mov." + kind + bits] = Unary<Number, Number>([](Number a) { return a; });
    names["selp." + kind + bits] = &ExecuteSelect<Number>;
  }
  AddComparisons<Number>(names, "u" + bits);
  AddComparisons<Signed>(names, "s" + bits);
  names["setp.eq.b" + bits] = names["setp.eq.u" + bits];
  names["setp.ne.b" + bits] = names["setp.ne.u" + bits];
}

template <class Number>
void AddFloating(Names& names, const std::string& type) {
  for (const std::string rounded : {".", ".rn."}) {
    names["add" + rounded + type] = Binary<Number>([](Number a, Number b) { return a + b; });
    names["sub" + rounded + type] = Binary<Number>([](Number a, Number b) { return a - b; });
    names["mul" + rounded + type] = Binary<Number>([](Number a, Number b) { return a * b; });
  }
  names["div.rn." + type] = Binary<Number>([](Number a, Number b) { return a / b; });
  names["fma.rn." + type] = &ExecuteFma<Number>;
  names["min." + type] = Binary<Number>([](Number a, Number b) { return std::fmin(a, b); });
  names["max." + type] = Binary<Number>([](Number a, Number b) { return std::fmax(a, b); });
  names["neg." + type] = Unary<Number, Number>([](Number a) { return -a; });
  names["abs." + type] = Unary<Number, Number>([](Number a) { return std::fabs(a); });
  names["sqrt.rn." + type] = Unary<Number, Number>([](Number a) { return std::sqrt(a); });
  names["rcp.rn." + type] = Unary<Number, Number>([](Number a) { return Number{1} / a; });
  names["copysign." + type] =
      Binary<Number>([](Number sign, Number size) { return std::copysign(size, sign); });
  names["mov." + type] = Unary<Number, Number>([](Number a) { return a; });
  names["selp." + type] = &ExecuteSelect<Number>;
  AddComparisons<Number>(names, type);
  names["setp.neu." + type] = Compare<Number>([](Number a, Number b) { return !(a == b); });
  names["setp.ltu." + type] = Compare<Number>([](Number a, Number b) { return !(a >= b); });
  names["setp.leu." + type] = Compare<Number>([](Number a, Number b) { return !(a > b); });
  names["setp.gtu." + type] = Compare<Number>([](Number a, Number b) { return !(a <= b); });
  names["setp.geu." + type] = Compare<Number>([](Number a, Number b) { return !(a < b); });
  names["setp.nan." + type] =
      Compare<Number>([](Number a, Number b) { return std::isnan(a) || std::isnan(b); });
}

template <class Out, class In>
void AddConversion(Names& names, const std::string& name) {
  names["cvt." + name] = Unary<Out, In>([](In a) { return static_cast<Out>(a); });
}

void AddConversions(Names& names) {
  AddConversion<std::uint64_t, std::uint32_t>(names, "u64.u32");
  AddConversion<std::uint32_t, std::uint64_t>(names, "u32.u64");
  AddConversion<std::uint16_t, std::uint32_t>(names, "u16.u32");
  AddConversion<std::uint32_t, std::uint16_t>(names, "u32.u16");
  AddConversion<double, float>(names, "f64.f32");
  AddConversion<float, double>(names, "rn.f32.f64");
  AddConversion<float, std::uint16_t>(names, "rn.f32.u16");
  AddConversion<float, std::uint32_t>(names, "rn.f32.u32");
  AddConversion<float, std::uint64_t>(names, "rn.f32.u64");
  AddConversion<double, std::uint32_t>(names, "rn.f64.u32");
  names["cvt.rzi.u64.f32"] = Unary<std::uint64_t, float>([](float a) -> std::uint64_t {
    if (!(a > 0.0F)) return 0;
    return a >= 0x1p64F ? ~std::uint64_t{0} : static_cast<std::uint64_t>(a);
  });
  names["cvt.rna.tf32.f32"] = Unary<std::uint32_t, std::uint32_t>(
      [](std::uint32_t bits) { return RoundedToTensorFloat(bits); });
  names["cvt.rn.bf16x2.f32"] = [](Warp& warp, const Instruction& instruction) {
    Map<std::uint32_t, float, float>(warp, instruction, [](float high, float low) {
      return std::uint32_t{RoundedToBfloat16(high)} << 16U | RoundedToBfloat16(low);
    });
  };
  names["cvta.to.global.u64"] =
      Unary<std::uint64_t, std::uint64_t>([](std::uint64_t a) { return a; });
}

// Each byte of the result by four bits of the selector: one of eight bytes, or its sign.
std::uint32_t Permuted(std::uint32_t a, std::uint32_t b, std::uint32_t selector) {
  const std::uint64_t bytes = std::uint64_t{b} << 32U | a;
  std::uint32_t out = 0;
  for (std::uint32_t i = 0; i < 4; ++i) {
    const std::uint32_t select = selector >> (4 * i) & 0xFU;
    auto byte = static_cast<std::uint32_t>(bytes >> (8 * (select & 7U)) & 0xFFU);
    if ((select & 8U) != 0) byte = (byte & 0x80U) != 0 ? 0xFFU : 0;
    out |= byte << (8 * i);
  }
  return out;
}

Names AllNames() {
  Names names;
  AddWhole<std::uint16_t>(names, "16");
  AddWhole<std::uint32_t>(names, "32");
  AddWhole<std::uint64_t>(names, "64");
  AddFloating<float>(names, "f32");
  AddFloating<double>(names, "f64");
  AddConversions(names);
  names["mul.wide.u16"] = [](Warp& warp, const Instruction& instruction) {
    Map<std::uint32_t, std::uint16_t, std::uint16_t>(
        warp, instruction, [](std::uint32_t a, std::uint32_t b) { return a * b; });
  };
  names["mul.wide.u32"] = [](Warp& warp, const Instruction& instruction) {
    Map<std::uint64_t, std::uint32_t, std::uint32_t>(
        warp, instruction, [](std::uint64_t a, std::uint64_t b) { return a * b; });
  };
  names["mul.hi.u32"] =
      Binary<std::uint32_t>([](std::uint64_t a, std::uint64_t b) { return (a * b) >> 32U; });
  // An approximation that is refined by what follows: the upper half of the number.
  names["rcp.approx.ftz.f64"] = Unary<double, double>([](double a) {
    return std::bit_cast<double>(std::bit_cast<std::uint64_t>(1.0 / a) &
                                 ~std::uint64_t{0xFFFFFFFF});
  });
  names["prmt.b32"] = Ternary<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>(
      [](std::uint32_t a, std::uint32_t b, std::uint32_t c) { return Permuted(a, b, c); });
  names["bfi.b32"] = [](Warp& warp, const Instruction& instruction) {
    const std::uint32_t* from = warp.At<std::uint32_t>(instruction.operands[1]);
    const std::uint32_t* into = warp.At<std::uint32_t>(instruction.operands[2]);
    const std::uint32_t* at = warp.At<std::uint32_t>(instruction.operands[3]);
    const std::uint32_t* count = warp.At<std::uint32_t>(instruction.operands[4]);
    std::uint32_t* out = warp.At<std::uint32_t>(instruction.operands[0]);
    ForEachLane(warp.active, [&](std::uint32_t lane) {
      const std::uint64_t mask = ((std::uint64_t{1} << count[lane]) - 1) << at[lane];
      out[lane] = static_cast<std::uint32_t>((into[lane] & ~mask) |
                                             (std::uint64_t{from[lane]} << at[lane] & mask));
    });
  };
  names["and.pred"] = Logic([](std::uint32_t a, std::uint32_t b) { return a & b; });
  names["or.pred"] = Logic([](std::uint32_t a, std::uint32_t b) { return a | b; });
  names["xor.pred"] = Logic([](std::uint32_t a, std::uint32_t b) { return a ^ b; });
  names["not.pred"] = &ExecuteNot;
  names["mov.pred"] = &ExecuteMovePredicate;
  names["pack.b64"] = &ExecutePack<std::uint64_t, std::uint32_t>;
  names["pack.b32"] = &ExecutePack<std::uint32_t, std::uint16_t>;
  names["unpack.b64"] = &ExecuteUnpack<std::uint64_t, std::uint32_t>;
  names["unpack.b32"] = &ExecuteUnpack<std::uint32_t, std::uint16_t>;
  names["mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"] = &MultiplyTensorFloats;
  names["mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32"] = &MultiplyBfloat16;
  names["ldmatrix.sync.aligned.m8n8.x4.shared.b16"] = &LoadMatrices;
  names["ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16"] = &LoadTransposedMatrices;
  return names;
}

}  // namespace

Execute ExecuteOf(std::string_view name, std::uint32_t register_bits) {
  static const Names kNames = AllNames();
  if (name.starts_with("ld.") || name.starts_with("st.")) return MoveOf(name, register_bits);
  const auto known = kNames.find(name);
  return known == kNames.end() ? nullptr : known->second;
}

}  // namespace ddl::emulator
