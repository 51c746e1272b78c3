// SPDX-License-Identifier: Apache-2.0
#include "trainer/limits.h"

#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <zlib.h>

#include "configs/error.h"
#include "trainer/durable_file.h"
#include "trainer/gemm.h"

namespace ddl {

namespace {

std::string TextOfFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Of the first processor that the kernel names.
std::string ModelName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

}  // namespace

std::string DescribeMachine() {
  const Precision widest = HasBfloat16Products() ? Precision::kBfloat16 : Precision::kFloat32;
  return fmt::format("{}, {}", ModelName(), DescribeArithmetic(widest));
}

std::filesystem::path LimitsFile(const std::filesystem::path& cache, const std::string& machine) {
  const auto hash = static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(machine.data()), machine.size()));
  return cache / fmt::format("limits-{:08x}.json", hash);
}

Json LimitsJson(const std::string& machine, const MachineLimits& limits) {
  Json json{{"machine", machine},
            {"float32_gflops", limits.float32_flops / kGiga},
            {"bf16_gflops", nullptr},
            {"memory_gb_per_s", limits.memory_bytes / kGiga}};
  if (limits.bf16_flops) json["bf16_gflops"] = *limits.bf16_flops / kGiga;
  return json;
}

void KeepLimits(const std::filesystem::path& cache, const std::string& machine,
                const MachineLimits& limits) {
  std::error_code problem;
  std::filesystem::create_directories(cache, problem);
  WriteDurably(LimitsFile(cache, machine), DumpJson(LimitsJson(machine, limits)) + "\n");
}

std::optional<MachineLimits> KeptLimits(const std::filesystem::path& cache,
                                        const std::string& machine) {
  if (cache.empty()) return std::nullopt;
  const std::filesystem::path path = LimitsFile(cache, machine);
  const std::string text = TextOfFile(path);
  if (text.empty()) return std::nullopt;
  try {
    const Json json = ParseJson(text, path.string());
    if (json.at("machine") != machine) return std::nullopt;
    MachineLimits limits{.float32_flops = json.at("float32_gflops").get<double>() * kGiga,
                         .memory_bytes = json.at("memory_gb_per_s").get<double>() * kGiga};
    const Json& bf16 = json.at("bf16_gflops");
    if (!bf16.is_null()) limits.bf16_flops = bf16.get<double>() * kGiga;
    return limits;
  } catch (const Error&) {  // somebody else wrote there
    return std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

double LimitOf(const std::optional<MachineLimits>& limits, Precision precision, int threads) {
  if (!limits) return 0.0;
  const double one =
      precision == Precision::kBfloat16 ? limits->bf16_flops.value_or(0.0) : limits->float32_flops;
  return one * threads;
}

}  // namespace ddl
