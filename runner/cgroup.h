// SPDX-License-Identifier: Apache-2.0
// A cgroup of a rank's own (version 2), where this user may make one: whoever is in it stays in it,
// whatever it forks, renames or clears, and is found and killed without a race. Used beside the
// descent from the supervisor, which holds a tree together everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddl {

// The cgroup in which this process could make one of its own; "" where it cannot.
[[nodiscard]] std::string CgroupAbove();

class Cgroup {
 public:
  // Named after the rank's token, so that it can be found again by it. nullopt where none can be
  // had.
  [[nodiscard]] static std::optional<Cgroup> Make(std::string_view token);

  // All descendants of this process, and so what they fork from now on. Who may not be moved, or
  // forked while we looked, stays outside.
  void TakeDescendants() const;
  void Take(const std::vector<std::int64_t>& pids) const;
  // KILL to everybody in it, at once.
  void Kill() const;
  // Possible once nobody is in it.
  void Remove() const;

 private:
  explicit Cgroup(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
};

// KILL to everybody in the cgroup with this folder, at once.
void KillCgroup(const std::string& folder);

// The folder of the cgroup of `token` that the process is in; nullopt when it is in none.
[[nodiscard]] std::optional<std::string> CgroupWithToken(std::int64_t pid, std::string_view token);

// Where version 2 is mounted, from the text of /proc/self/mountinfo; "" where it is not.
[[nodiscard]] std::string CgroupMount(std::string_view mountinfo);
// A process's path in version 2, from the text of /proc/PID/cgroup; "" when it is not told.
[[nodiscard]] std::string_view CgroupPath(std::string_view proc_cgroup);

}  // namespace ddl
