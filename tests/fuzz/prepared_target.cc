// SPDX-License-Identifier: Apache-2.0
// A file in the cache of prepared data whose header is well-formed JSON with right checksums, and
// anything else: it is mapped and lies within the file, or it is made anew. Input: the header's
// JSON, a line feed, the parts. First byte 'r': the file as it is.
#include <fstream>

#include <zlib.h>

#include "configs/error.h"
#include "configs/json.h"
#include "tests/fuzz/fuzz.h"
#include "trainer/prepared.h"
#include "trainer/target.h"

namespace {

using namespace ddl;

constexpr std::string_view kKey = "fuzz";
constexpr std::size_t kHeaderBytes = 4096;

std::string WithHeader(std::string_view input) {
  const std::size_t end = std::min(input.find('\n'), input.size());
  const std::string_view body = input.substr(std::min(end + 1, input.size()));
  Json header = ParseJson(input.substr(0, end), "input");
  if (header.is_object() && !header.contains("bytes")) header["bytes"] = kHeaderBytes + body.size();
  const std::string checked = DumpJson(header);
  const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(checked.data()), checked.size());
  std::string text = DumpJson(Json{{"header", header}, {"crc", std::uint32_t(crc)}}) + "\n";
  text.resize(kHeaderBytes, ' ');
  return text.append(body);
}

struct MadeAnew {};

void CheckSplit(const Dataset& set, const Split& split) {
  std::uint64_t sum = 0;
  const std::size_t values = std::visit(
      [&sum](const auto& features) {
        for (const auto value : features)
          sum += value > 0 ? 1 : 0;
        return features.size();
      },
      split.features);
  Promise(sum <= values, "values can be read");
  if (set.context > 0) {
    for (const std::uint8_t token : std::get<std::span<const std::uint8_t>>(split.features))
      Promise(token < set.classes, "a token is a class");
    return;
  }
  Promise(values == split.Rows() * set.features, "as many values as rows say");
  for (const std::int32_t label : split.labels) {
    if (set.has_real_targets) {
      Promise(IsFiniteTarget(label), "a target is finite");
      continue;
    }
    Promise(label >= 0 && static_cast<std::size_t>(label) < set.classes, "a label is a class");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const MemoryFolder folder;
  std::string_view input = AsText(bytes, size);
  std::string file;
  try {
    if (input.starts_with('r')) {
      file = input.substr(1);
      file.resize(std::max(file.size(), kHeaderBytes), ' ');
    } else {
      file = WithHeader(input);
    }
  } catch (const Error&) {
    return 0;
  }
  std::ofstream(folder.Path() + "/" + PreparedName(std::string(kKey)), std::ios::binary) << file;
  try {
    const Dataset set = LoadPrepared(folder.Path(), std::string(kKey),
                                     []() -> std::unique_ptr<RecordSource> { throw MadeAnew(); });
    CheckSplit(set, set.train);
    CheckSplit(set, set.test);
  } catch (const MadeAnew&) {
  }
  return 0;
}
