// SPDX-License-Identifier: Apache-2.0
// Snapshots of workdirs are put together by a child of the agent, so that a slow disk never holds
// up the news of a trial. The two speak the frames of the link over a socketpair.
#pragma once

#include <string>
#include <vector>

#include "runner/file.h"
#include "runner/frames.h"
#include "runner/job_folder.h"

namespace ddl {

class CodeChild {
 public:
  // Starts the child where there is none.
  void Pass(const ToHost& message, const HostPaths& paths);
  [[nodiscard]] int Descriptor() const { return socket_.Get(); }  // -1: nothing to wait for
  [[nodiscard]] short Events() const;
  // Moves bytes both ways, never waits. What the child said.
  [[nodiscard]] std::vector<CodeNews> Turn();

 private:
  [[nodiscard]] bool Start(const HostPaths& paths);
  void Flush();
  [[nodiscard]] bool Read();

  FileDescriptor socket_;
  FrameReader frames_;
  std::string out_;
  std::string code_;  // offered, and neither ready nor refused yet
};

}  // namespace ddl
