// SPDX-License-Identifier: Apache-2.0
// The only door to libjpeg. It reports errors by a jump over its own frames: between setjmp and the
// jump, nothing here owns anything.
#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <string_view>

#include <fmt/format.h>
#include <jpeglib.h>

#include "configs/error.h"
#include "trainer/picture.h"

namespace ddl {

namespace {

struct JpegFault {
  jpeg_error_mgr base;
  std::jmp_buf jump;
  std::array<char, JMSG_LENGTH_MAX> text;
};

[[noreturn]] void LeaveJpeg(j_common_ptr state) {
  auto* fault = reinterpret_cast<JpegFault*>(state->err);
  fault->base.format_message(state, fault->text.data());
  std::longjmp(fault->jump, 1);
}

// A warning means data that are damaged and would be made up: as bad as an error.
void JudgeJpegMessage(j_common_ptr state, int level) {
  if (level < 0) LeaveJpeg(state);
}

// A progressive file may hold any number of scans over a large picture in a few bytes each.
void LimitJpegScans(j_common_ptr state) {
  constexpr int kMostScans = 100;
  const auto* reader = reinterpret_cast<j_decompress_ptr>(state);
  if (reader->input_scan_number <= kMostScans) return;
  auto* fault = reinterpret_cast<JpegFault*>(state->err);
  constexpr std::string_view kText = "more than 100 scans";
  std::ranges::copy(kText, fault->text.begin());
  fault->text[kText.size()] = '\0';
  std::longjmp(fault->jump, 1);
}

enum class JpegStep : std::uint8_t { kHeader, kPixels };

// False where the library gave up, with its reason in the fault.
bool TakeJpegStep(JpegStep step, jpeg_decompress_struct& state, JpegFault& fault,
                  std::span<const std::uint8_t> bytes, std::uint8_t* values) {
  if (setjmp(fault.jump) != 0) return false;  // NOLINT(cert-err52-cpp): the library's own way
  if (step == JpegStep::kHeader) {
    jpeg_mem_src(&state, bytes.data(), static_cast<unsigned long>(bytes.size()));
    jpeg_read_header(&state, TRUE);
    state.out_color_space = state.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    state.dct_method = JDCT_ISLOW;
    return true;
  }
  jpeg_start_decompress(&state);
  while (state.output_scanline < state.output_height) {
    JSAMPROW row = values + std::size_t{state.output_scanline} * state.output_width *
                                static_cast<std::size_t>(state.output_components);
    jpeg_read_scanlines(&state, &row, 1);
  }
  jpeg_finish_decompress(&state);
  return true;
}

class JpegState {
 public:
  JpegState() {
    state_.err = jpeg_std_error(&fault_.base);
    fault_.base.error_exit = LeaveJpeg;
    fault_.base.emit_message = JudgeJpegMessage;
    jpeg_create_decompress(&state_);
    constexpr long kMostMemory = 1L << 28U;
    state_.mem->max_memory_to_use = kMostMemory;
    progress_.progress_monitor = LimitJpegScans;
    state_.progress = &progress_;
  }
  JpegState(const JpegState&) = delete;
  JpegState& operator=(const JpegState&) = delete;
  ~JpegState() { jpeg_destroy_decompress(&state_); }

  void Take(JpegStep step, std::span<const std::uint8_t> bytes, std::uint8_t* values,
            const std::string& where) {
    if (TakeJpegStep(step, state_, fault_, bytes, values)) return;
    throw Error(fmt::format("not a whole JPEG: {}", fault_.text.data()), where,
                "get the file again");
  }
  [[nodiscard]] const jpeg_decompress_struct& Get() const { return state_; }

 private:
  JpegFault fault_{};
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct state_{};
};

}  // namespace

Picture DecodeJpeg(std::span<const std::uint8_t> bytes, const std::string& where) {
  JpegState state;
  state.Take(JpegStep::kHeader, bytes, nullptr, where);
  const jpeg_decompress_struct& header = state.Get();
  CheckPictureSize(header.image_height, header.image_width, where);
  if (header.num_components != 1 && header.num_components != 3) {
    throw Error(fmt::format("a JPEG of {} channels", header.num_components), where,
                "convert it to grey or RGB");
  }
  Picture picture{.height = header.image_height,
                  .width = header.image_width,
                  .channels = static_cast<std::size_t>(header.num_components)};
  picture.values.resize(picture.height * picture.width * picture.channels);
  state.Take(JpegStep::kPixels, bytes, picture.values.data(), where);
  return picture;
}

}  // namespace ddl
