// SPDX-License-Identifier: Apache-2.0
#include "scheduler/slots_json.h"

#include <fmt/format.h>

#include "configs/error.h"
#include "configs/json.h"
#include "scheduler/placement_device.h"

namespace ddl {

namespace {

std::string ShareText(std::string_view device, int index, int length) {
  if (length == kWholeDevice) return fmt::format("{} {}", device, index);
  return fmt::format("{} of {} {}", FormatNumber(length / 1000.0), device, index);
}

Slots ReadSlots(const Json& json) {
  Slots slots;
  for (const Json& core : json.at("cores")) {
    slots.cores.push_back(
        {WholeNumber<int>(core.at(0)), WholeNumber<int>(core.at(1)), WholeNumber<int>(core.at(2))});
  }
  for (const Json& gpu : json.at("gpus")) {
    slots.gpus.push_back({gpu.at(0).get<std::string>(), WholeNumber<int>(gpu.at(1)),
                          WholeNumber<int>(gpu.at(2)), WholeNumber<int>(gpu.at(3))});
  }
  slots.memory_mib = WholeNumber<std::int64_t>(json.at("memory_mib"));
  return slots;
}

}  // namespace

// Written by hand: one of these is made for each launch, and they are simple.
std::string SlotsToJson(const Slots& slots) {
  std::string text = "{\"cores\":[";
  for (const CoreShare& core : slots.cores) {
    fmt::format_to(std::back_inserter(text), "{}[{},{},{}]", text.back() == '[' ? "" : ",",
                   core.core, core.first, core.length);
  }
  text += "],\"gpus\":[";
  for (const GpuShare& gpu : slots.gpus) {
    fmt::format_to(std::back_inserter(text), "{}[{},{},{},{}]", text.back() == '[' ? "" : ",",
                   DumpJson(gpu.uuid), gpu.index, gpu.first, gpu.length);
  }
  fmt::format_to(std::back_inserter(text), "],\"memory_mib\":{}}}", slots.memory_mib);
  return text;
}

std::optional<Slots> SlotsFromJson(std::string_view text) {
  try {
    return ReadSlots(ParseJson(text, "slots"));
  } catch (const Error&) {
    return std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

std::string DescribeSlots(const Slots& slots) {
  std::string text;
  const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  for (const CoreShare& core : slots.cores) {
    add(ShareText("core", core.core, core.length));
  }
  for (const GpuShare& gpu : slots.gpus) {
    add(ShareText("gpu", gpu.index, gpu.length));
  }
  if (slots.memory_mib > 0) add(fmt::format("{} MiB", slots.memory_mib));
  return text.empty() ? "no device" : text;
}

}  // namespace ddl
