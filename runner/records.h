// SPDX-License-Identifier: Apache-2.0
// The records of a rank as JSON text: what lies in start.json, exit.json and JOB.RANK.busy. Reading
// never throws: a damaged record is a fact about a host, so it is nullopt.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runner/launch.h"
#include "runner/messages.h"

namespace ddl {

// One line without a line feed.
[[nodiscard]] std::string ToJsonText(const StartRecord& record);
[[nodiscard]] std::string ToJsonText(const ExitRecord& record);
[[nodiscard]] std::string ToJsonText(const SlotBusy& busy);

// nullopt when the text is no JSON, or lacks a field, or a field has another type. Unknown fields
// are left alone: a newer supervisor may have written them.
[[nodiscard]] std::optional<StartRecord> StartRecordFromJson(std::string_view text);
[[nodiscard]] std::optional<ExitRecord> ExitRecordFromJson(std::string_view text);
[[nodiscard]] std::optional<SlotBusy> SlotBusyFromJson(std::string_view text);

}  // namespace ddl
