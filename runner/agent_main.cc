// SPDX-License-Identifier: Apache-2.0
// ddl-agent agent --fd N [--host-folder F]: speaks frames on descriptor N until it ends.
#include <charconv>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>

#include <fcntl.h>

#include "runner/agent.h"
#include "runner/host_folder.h"

namespace {

int Usage() {
  std::fputs(
      "usage: ddl-agent agent --fd N [--host-folder FOLDER]\n"
      "Started by ddl; there is no need to start it by hand.\n",
      stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  int fd = -1;
  std::string host_folder = ddl::DefaultHostFolder();
  if (argc < 4 || std::string_view(argv[1]) != "agent") return Usage();
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    const std::string_view value = argv[i + 1];
    if (option == "--fd") {
      std::from_chars(value.data(), value.data() + value.size(), fd);
    } else if (option == "--host-folder") {
      host_folder = value;
    } else {
      return Usage();
    }
  }
  if (fd < 0 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return Usage();
  std::signal(SIGPIPE, SIG_IGN);
  return ddl::Agent(ddl::FileDescriptor(fd), std::move(host_folder)).Run();
}
