// SPDX-License-Identifier: Apache-2.0
#include "configs/trainer_reader.h"

#include <algorithm>

#include "configs/json.h"

namespace ddl {

namespace {

constexpr const char* kDevice = "device";

const SpecNode& Place(const SpecNode& root, const char* section, const char* key) {
  const SpecNode* node = root.Find(section);
  const SpecNode* below = node == nullptr ? nullptr : node->Find(key);
  return below != nullptr ? *below : (node != nullptr ? *node : root);
}

}  // namespace

void CompleteTrainer(const SpecNode& root, SweepSpec& spec, SpecErrors& errors) {
  if (!spec.trainer || !spec.trainer->is_object()) return;
  const bool is_varied = std::ranges::any_of(
      spec.space, [](const Parameter& parameter) { return parameter.Name() == kDevice; });
  if (is_varied) return;
  Resources& resources = spec.resources;
  if (!spec.trainer->contains(kDevice) && resources.gpus > 0) (*spec.trainer)[kDevice] = "gpu";
  const bool is_on_gpu = spec.trainer->value(kDevice, Json()) == "gpu";
  if (is_on_gpu && resources.gpus == 0) {
    errors.Add(Place(root, "trainer", kDevice), "device: gpu, and no GPU is asked for",
               "write resources: {gpus: 1}, or a share such as 0.05");
  }
  if (!is_on_gpu && resources.gpus > 0) {
    errors.Add(Place(root, "resources", "gpus"), "the trainer would not use its GPU",
               "leave trainer.device away, or gpus");
  }
  if (is_on_gpu && resources.gpus > 1) {
    errors.Add(Place(root, "resources", "gpus"), "the built-in trainer uses one GPU a trial",
               "write gpus: 1, or a share such as 0.05");
  }
  const SpecNode* section = root.Find("resources");
  const bool names_cores = section != nullptr && section->Find("cpus") != nullptr;
  if (is_on_gpu && !names_cores && resources.gpus < 1) resources.cpus = resources.gpus;
}

}  // namespace ddl
