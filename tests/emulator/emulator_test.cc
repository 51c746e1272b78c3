// SPDX-License-Identifier: Apache-2.0
// Small kernels in PTX on the emulated GPU: what they compute, what they are refused, and what is
// counted.
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/emulator/block.h"
#include "tests/emulator/matrices.h"

namespace ddl {
namespace emulator_test {

using emulator::Counts;
using emulator::DeviceFault;
using emulator::DeviceMemory;
using emulator::Launch;
using emulator::Module;
using emulator::ReadPtx;
using emulator::RunLaunch;
using testing::AllOf;
using testing::HasSubstr;

// A kernel with one pointer as its parameter, in %rd1; %r1 is the thread, %r2 the block, %rd2 the
// place of the thread's own word.
std::string Kernel(const std::string& body, const std::string& shared = "") {
  return R"(.version 9.0
.target sm_80
.address_size 64
.file 1 "folder/source.h"
.visible .entry Kernel(
	.param .u64 Kernel_param_0[8]
)
.maxntid 256, 1, 1
{
	.reg .pred 	%p<9>;
	.reg .b16 	%rs<9>;
	.reg .f32 	%f<19>;
	.reg .b32 	%r<19>;
	.reg .b64 	%rd<9>;
)" + shared +
         R"(
	ld.param.u64 	%rd1, [Kernel_param_0];
	mov.u32 	%r1, %tid.x;
	mov.u32 	%r2, %ctaid.x;
	mul.wide.u32 	%rd2, %r1, 4;
	add.s64 	%rd2, %rd1, %rd2;
	.loc	1 42 3
)" + body +
         R"(
	ret;

}
)";
}

class Emulator : public testing::Test {
 protected:
  // Words of the GPU's memory, zeroed.
  std::uint32_t* Words(std::size_t count) {
    void* at = memory_.Allocate(count * sizeof(std::uint32_t));
    std::memset(at, 0, count * sizeof(std::uint32_t));
    return static_cast<std::uint32_t*>(at);
  }
  Counts Run(const std::string& ptx, const void* words, std::uint32_t threads = 32,
             std::uint32_t blocks = 1) {
    const Module module = ReadPtx(ptx);
    Launch launch;
    launch.module = &module;
    launch.kernel = &module.kernels.at("Kernel");
    launch.blocks = {blocks, 1};
    launch.threads = threads;
    launch.parameters.resize(sizeof words);
    std::memcpy(launch.parameters.data(), &words, sizeof words);
    launch.counts_all = true;
    return RunLaunch(launch, memory_, stretch_);
  }
  std::string FaultOf(const std::string& ptx, const void* words, std::uint32_t threads = 32,
                      std::uint32_t blocks = 1) {
    try {
      (void)Run(ptx, words, threads, blocks);
      return "no fault";
    } catch (const DeviceFault& fault) {
      return fault.what();
    }
  }

  DeviceMemory memory_{std::size_t{1} << 20U};
  std::uint64_t stretch_ = 0;
};

TEST_F(Emulator, EachThreadGoesItsOwnWayAndMeetsTheOthers) {
  // Thread t adds up 1, …, t by going round t times; odd ones add a thousand.
  std::uint32_t* words = Words(64);
  const Counts counts = Run(Kernel(R"(
	mov.u32 	%r3, 0;
	mov.u32 	%r4, 0;
$L__round:
	setp.ge.u32 	%p1, %r4, %r1;
	@%p1 bra 	$L__over;
	add.s32 	%r4, %r4, 1;
	add.s32 	%r3, %r3, %r4;
	bra.uni 	$L__round;
$L__over:
	and.b32  	%r5, %r1, 1;
	setp.eq.s32 	%p2, %r5, 0;
	@%p2 bra 	$L__even;
	add.s32 	%r3, %r3, 1000;
$L__even:
	st.global.u32 	[%rd2], %r3;)"),
                            words, 64);
  for (std::uint32_t i = 0; i < 64; ++i)
    EXPECT_EQ(words[i], i * (i + 1) / 2 + i % 2 * 1000) << i;
  EXPECT_EQ(counts.traffic.written, 256U);
  EXPECT_EQ(counts.traffic.written_sectors, 8U) << "stored together, 32 bytes a sector";
}

struct InstructionCase {
  std::string text;  // of %r4 and %r5, to %r3
  std::uint32_t a;
  std::uint32_t b;
  std::uint32_t expected;
};

TEST_F(Emulator, InstructionsGiveWhatPtxSays) {
  const auto bits = [](float number) { return std::bit_cast<std::uint32_t>(number); };
  const std::uint32_t nan = bits(std::numeric_limits<float>::quiet_NaN());
  const std::vector<InstructionCase> cases = {
      {"shl.b32 %r3, %r4, %r5;", 3, 31, 0x80000000U},
      {"shl.b32 %r3, %r4, %r5;", 3, 32, 0},
      {"shr.u32 %r3, %r4, 4;", 0xF0, 0, 0xF},
      {"mul.hi.u32 %r3, %r4, %r5;", 0x80000000U, 6, 3},
      {"mul.lo.s32 %r3, %r4, -5;", 7, 0, static_cast<std::uint32_t>(-35)},
      {"div.u32 %r3, %r4, %r5;", 17, 5, 3},
      {"rem.u32 %r3, %r4, %r5;", 17, 5, 2},
      {"prmt.b32 %r3, %r4, %r5, 21520;", 0x44332211, 0x88776655, 0x66552211},
      {"prmt.b32 %r3, %r4, %r5, 15;", 0x44332211, 0x88776655, 0x111111FF},
      {"bfi.b32 %r3, %r4, %r5, 5, 27;", 1, 0xFFFFFFFFU, 0x0000003FU},
      {"cvt.rna.tf32.f32 %r3, %f4;", bits(1.0F) + 0x1000, 0, bits(1.0F) + 0x2000},
      {"cvt.rna.tf32.f32 %r3, %f4;", bits(1.0F) + 0x0FFF, 0, bits(1.0F)},
      {"cvt.rn.bf16x2.f32 %r3, %f4, %f5;", bits(1.0F), bits(-2.0F), 0x3F80C000U},
      {"cvt.rn.bf16x2.f32 %r3, %f4, %f5;", 0x3F808000U, 0x3F818000U, 0x3F803F82U},
      {"copysign.f32 %f3, %f4, %f5;", bits(-1.0F), bits(3.0F), bits(-3.0F)},
      {"max.f32 %f3, %f4, %f5;", nan, bits(3.0F), bits(3.0F)},
      {"fma.rn.f32 %f3, %f4, %f4, %f5;", bits(1.0F + 0x1p-23F), bits(-1.0F),
       bits(0x1p-22F + 0x1p-46F)},
      {"setp.lt.f32 %p1, %f4, %f5; selp.u32 %r3, 1, 0, %p1;", nan, bits(3.0F), 0},
      {"setp.gtu.f32 %p1, %f4, %f5; selp.u32 %r3, 1, 0, %p1;", nan, bits(3.0F), 1},
      {"setp.ne.f32 %p1, %f4, %f5; selp.u32 %r3, 1, 0, %p1;", nan, bits(3.0F), 0},
      {"setp.lt.s32 %p1, %r4, %r5; selp.u32 %r3, 1, 0, %p1;", ~0U, 0, 1},
      {"setp.lt.u32 %p1, %r4, %r5; selp.u32 %r3, 1, 0, %p1;", ~0U, 0, 0},
      {"mov.b64 %rd3, {%r4, %r5}; shr.u64 %rd3, %rd3, 16; cvt.u32.u64 %r3, %rd3;", 0xAAAA0000U,
       0x0000BBBBU, 0xBBBBAAAAU},
  };
  for (const InstructionCase& one : cases) {
    std::uint32_t* words = Words(3);
    words[1] = one.a;
    words[2] = one.b;
    std::string lines;
    for (const char c : one.text)
      lines += c == ';' ? ";\n" : std::string(1, c);
    const bool is_float = one.text.find("%f3") != std::string::npos;
    (void)Run(Kernel(R"(
	ld.global.u32 	%r4, [%rd1+4];
	ld.global.u32 	%r5, [%rd1+8];
	mov.b32 	%f4, %r4;
	mov.b32 	%f5, %r5;
)" + lines + (is_float ? "mov.b32 %r3, %f3;\n" : "") +
                     "st.global.u32 [%rd1], %r3;"),
              words, 1);
    EXPECT_EQ(words[0], one.expected) << one.text << fmt::format(" {:#x}", words[0]);
  }
}

// a is 16 x 8 with 100 row + col, b 8 x 8 with 1 where row = col: sums are the first matrix, so
// each lane's four tell where it holds what.
TEST_F(Emulator, ProductsOfAWarpLieAsPtxDescribes) {
  std::uint32_t* words = Words(128);
  (void)Run(Kernel(R"(
	shr.u32 	%r3, %r1, 2;
	and.b32  	%r4, %r1, 3;
	mad.lo.s32 	%r5, %r3, 100, %r4;
	cvt.rn.f32.u32 	%f1, %r5;
	add.f32 	%f2, %f1, 0f44480000;
	add.f32 	%f3, %f1, 0f40800000;
	add.f32 	%f4, %f2, 0f40800000;
	setp.eq.s32 	%p1, %r3, %r4;
	selp.f32 	%f5, 0f3F800000, 0f00000000, %p1;
	add.s32 	%r6, %r4, 4;
	setp.eq.s32 	%p2, %r3, %r6;
	selp.f32 	%f6, 0f3F800000, 0f00000000, %p2;
	mov.f32 	%f7, 0f00000000;
	mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f8,%f9,%f10,%f11}, {%f1,%f2,%f3,%f4}, {%f5,%f6}, {%f7,%f7,%f7,%f7};
	mul.wide.u32 	%rd3, %r1, 16;
	add.s64 	%rd3, %rd1, %rd3;
	st.global.v4.f32 	[%rd3], {%f8, %f9, %f10, %f11};)"),
            words);
  for (std::uint32_t lane = 0; lane < 32; ++lane) {
    for (std::uint32_t i = 0; i < 4; ++i) {
      const std::uint32_t row = lane / 4 + i / 2 * 8;
      const std::uint32_t col = lane % 4 * 2 + i % 2;
      EXPECT_EQ(std::bit_cast<float>(words[lane * 4 + i]), static_cast<float>(100 * row + col));
    }
  }
}

// Row r of matrix m has the numbers 100 m + 10 r + 0 to 7, in 16 bits; rows lie 16 bytes apart.
TEST_F(Emulator, MatricesAreLoadedByRowsAndByColumns) {
  std::uint32_t* words = Words(256);
  const auto load = [](const std::string& how) {
    return Kernel(R"(
	shr.u32 	%r3, %r1, 3;
	and.b32  	%r4, %r1, 7;
	mul.lo.s32 	%r5, %r4, 10;
	mad.lo.s32 	%r5, %r3, 100, %r5;
	mul.lo.s32 	%r6, %r5, 65537;
	add.s32 	%r3, %r6, 65536;
	add.s32 	%r4, %r6, 196610;
	add.s32 	%r5, %r6, 327684;
	add.s32 	%r6, %r6, 458758;
	shl.b32 	%r7, %r1, 4;
	st.shared.v4.u32 	[%r7], {%r3, %r4, %r5, %r6};
	bar.sync 	0;
	ldmatrix.sync.aligned.m8n8.x4)" +
                      how + R"(.shared.b16 {%r3, %r4, %r5, %r6}, [%r7+0];
	mul.wide.u32 	%rd3, %r1, 16;
	add.s64 	%rd3, %rd1, %rd3;
	st.global.v4.u32 	[%rd3], {%r3, %r4, %r5, %r6};)",
                  "	.shared .align 16 .b8 words[512];");
  };
  for (const bool is_transposed : {false, true}) {
    (void)Run(load(is_transposed ? ".trans" : ""), words);
    for (std::uint32_t lane = 0; lane < 32; ++lane) {
      for (std::uint32_t matrix = 0; matrix < 4; ++matrix) {
        const std::uint32_t pair = words[lane * 4 + matrix];
        const std::uint32_t row = lane / 4;
        const std::uint32_t col = lane % 4 * 2;
        const auto number = [&](std::uint32_t further) {
          return is_transposed ? 100 * matrix + 10 * (col + further) + row
                               : 100 * matrix + 10 * row + col + further;
        };
        EXPECT_EQ(pair, number(0) | number(1) << 16U) << lane << " " << matrix;
      }
    }
  }
}

TEST_F(Emulator, AccessesOutsideOfTheMemoryAreFaults) {
  std::uint32_t* words = Words(32);
  const std::string store = Kernel("st.global.u32 	[%rd2+4], %r1;");
  EXPECT_THAT(FaultOf(store, words), AllOf(HasSubstr("source.h:42"), HasSubstr("4 bytes behind")));
  EXPECT_EQ(FaultOf(store, words, 31), "no fault");
  EXPECT_THAT(FaultOf(Kernel("ld.global.u32 	%r3, [%rd2+-1024];"), words),
              AllOf(HasSubstr("source.h:42"), HasSubstr("lies")));
  EXPECT_THAT(FaultOf(Kernel("ld.global.v4.f32 	{%f1,%f2,%f3,%f4}, [%rd2];"), words, 2),
              HasSubstr("not aligned to 16 bytes"));
}

const char* const kShared = "	.shared .align 16 .b8 words[256];\n";
const char* const kToShared = R"(
	mov.u64 	%rd3, words;
	mul.wide.u32 	%rd4, %r1, 4;
	add.s64 	%rd4, %rd3, %rd4;
	st.shared.u32 	[%rd4], %r1;
)";

TEST_F(Emulator, ThreadsThatMeetInSharedMemoryNeedABarrier) {
  std::uint32_t* words = Words(64);
  const std::string read =
      "ld.shared.u32 	%r3, [%rd3+80];\n	st.global.u32 	[%rd2], "
      "%r3;";
  EXPECT_THAT(FaultOf(Kernel(kToShared + read, kShared), words),
              HasSubstr("byte 80 of shared memory is read while another thread writes it"));
  EXPECT_EQ(FaultOf(Kernel(std::string(kToShared) + "bar.sync 	0;\n" + read, kShared), words, 64),
            "no fault");
  EXPECT_EQ(words[63], 20U);
  EXPECT_THAT(FaultOf(Kernel("st.shared.u32 	[words], %r1;", kShared), words),
              HasSubstr("is written by two threads"));
  EXPECT_THAT(FaultOf(Kernel("ld.shared.u32 	%r3, [words+4];", kShared), words),
              HasSubstr("never written"));
  EXPECT_THAT(FaultOf(Kernel("st.shared.u32 	[words+256], %r1;", kShared), words, 1),
              HasSubstr("behind its end"));
}

TEST_F(Emulator, BlocksThatMeetInTheGpusMemoryAreFaults) {
  std::uint32_t* words = Words(64);
  EXPECT_THAT(FaultOf(Kernel("st.global.u32 	[%rd2], %r2;"), words, 32, 2),
              HasSubstr("is written by two threads"));
  const std::string other = R"(
	st.global.u32 	[%rd2], %r2;
	bar.sync 	0;
	ld.global.u32 	%r3, [%rd1];)";
  EXPECT_EQ(FaultOf(Kernel(other), words, 64), "no fault") << "of one block, behind a barrier";
  EXPECT_EQ(FaultOf(Kernel("ld.global.u32 	%r3, [%rd1];"), words, 64, 2), "no fault");
}

TEST_F(Emulator, WhoWaitsForThreadsThatNeverComeIsAFault) {
  std::uint32_t* words = Words(64);
  const std::string half = R"(
	setp.lt.u32 	%p1, %r1, 16;
	@%p1 bra 	$L__end;
	bar.sync 	0;
	bra.uni 	$L__last;
$L__end:
	bar.sync 	0;
$L__last:
	st.global.u32 	[%rd2], %r1;)";
  EXPECT_THAT(FaultOf(Kernel(half), words), HasSubstr("wait for others that never come"));
  // Those behind come as long as they can.
  const std::string late = R"(
	setp.lt.u32 	%p1, %r1, 16;
	@%p1 bra 	$L__far;
$L__meet:
	bar.sync 	0;
	bra.uni 	$L__last;
$L__far:
	add.s32 	%r3, %r1, 1;
	bra.uni 	$L__meet;
$L__last:
	st.global.u32 	[%rd2], %r1;)";
  EXPECT_EQ(FaultOf(Kernel(late), words), "no fault");
  EXPECT_EQ(words[31], 31U);
}

TEST_F(Emulator, CountsSectorsAndBanks) {
  std::uint32_t* words = Words(32 * 32);
  const Counts apart = Run(Kernel(R"(
	mul.wide.u32 	%rd3, %r1, 128;
	add.s64 	%rd3, %rd1, %rd3;
	ld.global.u32 	%r3, [%rd3];)"),
                           words);
  EXPECT_EQ(apart.traffic.read, 128U);
  EXPECT_EQ(apart.traffic.read_sectors, 32U);
  const Counts waves = Run(Kernel(R"(
	mov.u64 	%rd3, words;
	mul.wide.u32 	%rd4, %r1, 8;
	add.s64 	%rd4, %rd3, %rd4;
	st.shared.u32 	[%rd4], %r1;)",
                                  kShared),
                           words);
  EXPECT_EQ(waves.shared, 1U);
  EXPECT_EQ(waves.instruction_counts.at(waves.instruction_counts.size() - 2).waves, 2U);
  EXPECT_EQ(waves.shared_waves, 2U) << "every other word: two of each bank";
}

TEST_F(Emulator, MemoryIsLimitedAndGivenBack) {
  DeviceMemory memory(1024);
  void* at = memory.Allocate(700);
  ASSERT_NE(at, nullptr);
  EXPECT_EQ(memory.FreeBytes(), 256U);
  EXPECT_EQ(memory.Allocate(257), nullptr);
  EXPECT_TRUE(memory.Holds(at, 700));
  EXPECT_FALSE(memory.Holds(at, 701));
  EXPECT_TRUE(memory.Free(at));
  EXPECT_FALSE(memory.Free(at));
  EXPECT_EQ(memory.FreeBytes(), 1024U);
}

TEST(EmulatorPtx, SaysWhatItDoesNotKnow) {
  const auto problem = [](const std::string& line) -> std::string {
    try {
      (void)ReadPtx(Kernel(line));
      return "none";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  };
  EXPECT_THAT(problem("	shfl.sync.bfly.b32 	%r3, %r4, 1, 31, -1;"),
              AllOf(HasSubstr("line 22"), HasSubstr("'shfl.sync.bfly.b32' is not known")));
  EXPECT_THAT(problem("	add.s32 	%r3, %r99, 1;"), HasSubstr("'%r99' was not declared"));
  EXPECT_THAT(problem("	bra 	$L__nowhere;"), HasSubstr("no label $L__nowhere"));
  EXPECT_THAT(problem("	bar.sync 	1;"), HasSubstr("a barrier other than 0"));
  EXPECT_EQ(problem("	add.s32 	%r3, %r4, 1;"), "none");
}

}  // namespace emulator_test
}  // namespace ddl
