// SPDX-License-Identifier: Apache-2.0
// ddl-agent agent (--fd N | --stdio) [--host-folder F]: speaks frames on descriptor N, or on its
// standard input and output, until they end.
// ddl-agent read PATH [--offset N] [--follow] [--host-folder F]: see runner/file_stream.h.
// ddl-agent send NAME=FOLDER... [--host-folder F]: see runner/tree_sender.h.
// ddl-agent (folders | remove) STORE [--host-folder F]: see runner/store_folders.h.
// ddl-agent lane FD COMMAND...: see runner/lane_client.h.
// ddl-agent facts --stdio [--host-folder F]: only tells what the host has (runner/host_report.h).
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runner/agent.h"
#include "runner/file_stream.h"
#include "runner/host_folder.h"
#include "runner/host_report.h"
#include "runner/lane_client.h"
#include "runner/store_folders.h"
#include "runner/tree_sender.h"

namespace {

int Usage() {
  std::fputs(
      "usage: ddl-agent agent (--fd N | --stdio) [--host-folder FOLDER]\n"
      "       ddl-agent read PATH [--offset N] [--follow] [--host-folder FOLDER]\n"
      "       ddl-agent send NAME=FOLDER... [--host-folder FOLDER]\n"
      "       ddl-agent (folders | remove) STORE [--host-folder FOLDER]\n"
      "       ddl-agent facts --stdio [--host-folder FOLDER]\n"
      "Started by ddl; there is no need to start it by hand.\n",
      stderr);
  return 2;
}

// A copy that no child inherits and that never blocks.
ddl::FileDescriptor TakeOver(int fd) {
  ddl::FileDescriptor own(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (own) ::fcntl(own.Get(), F_SETFL, ::fcntl(own.Get(), F_GETFL) | O_NONBLOCK);
  return own;
}

int Read(int argc, char** argv) {
  ddl::StreamedFile file{.host_folder = ddl::DefaultHostFolder(), .path = argv[2]};
  for (int i = 3; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--follow") {
      file.follow = true;
      continue;
    }
    if (i + 1 == argc) return Usage();
    const std::string_view value = argv[++i];
    if (option == "--offset") {
      std::from_chars(value.data(), value.data() + value.size(), file.offset);
    } else if (option == "--host-folder") {
      file.host_folder = value;
    } else {
      return Usage();
    }
  }
  std::signal(SIGPIPE, SIG_IGN);
  return ddl::StreamFile(file, STDOUT_FILENO, STDIN_FILENO);
}

int Send(int argc, char** argv) {
  std::string host_folder = ddl::DefaultHostFolder();
  ddl::NamedFolders folders;
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::size_t equals = word.find('=');
    if (word == "--host-folder" && i + 1 < argc) {
      host_folder = argv[++i];
    } else if (equals != std::string_view::npos) {
      folders.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    } else {
      return Usage();
    }
  }
  std::signal(SIGPIPE, SIG_IGN);
  return ddl::SendTree(host_folder, folders, STDIN_FILENO, STDOUT_FILENO);
}

int Folders(int argc, char** argv) {
  ddl::HostPaths paths{ddl::DefaultHostFolder(), argv[2], {}};
  if (argc == 5 && std::string_view(argv[3]) == "--host-folder") {
    paths.host_folder = argv[4];
  } else if (argc != 3) {
    return Usage();
  }
  std::signal(SIGPIPE, SIG_IGN);
  return std::string_view(argv[1]) == "folders"
             ? ddl::ListFolders(paths, STDOUT_FILENO)
             : ddl::ObeyRemovals(paths, STDIN_FILENO, STDOUT_FILENO);
}

int Lane(int argc, char** argv) {
  int connection = -1;
  const std::string_view number = argv[2];
  std::from_chars(number.data(), number.data() + number.size(), connection);
  if (argc < 4 || connection < 0) return Usage();
  ::prctl(PR_SET_NAME, "ddl-lane");
  // At once: a sanitizer that looks for leaks now would stop its threads, and the CONT that comes
  // with a TERM would let them go on, so that it waits for good.
  std::_Exit(ddl::RunLane(connection, argv + 3));
}

}  // namespace

int main(int argc, char** argv) {
  int from = -1;
  int to = -1;
  std::string host_folder = ddl::DefaultHostFolder();
  if (argc < 3) return Usage();
  const std::string_view role = argv[1];
  if (role == "read") return Read(argc, argv);
  if (role == "send") return Send(argc, argv);
  if (role == "lane") return Lane(argc, argv);
  if (role == "folders" || role == "remove") return Folders(argc, argv);
  if (role != "agent" && role != "facts") return Usage();
  for (int i = 2; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--stdio") {
      from = STDIN_FILENO;
      to = STDOUT_FILENO;
      continue;
    }
    if (++i == argc) return Usage();
    const std::string_view value = argv[i];
    if (option == "--fd") {
      std::from_chars(value.data(), value.data() + value.size(), from);
      to = from;
    } else if (option == "--host-folder") {
      host_folder = value;
    } else {
      return Usage();
    }
  }
  if (role == "facts") return from == STDIN_FILENO ? ddl::TellFacts(host_folder) : Usage();
  ddl::FileDescriptor own_from = TakeOver(from);
  ddl::FileDescriptor own_to = TakeOver(to);
  if (!own_from || !own_to) return Usage();
  if (from > STDERR_FILENO) ::close(from);
  // What is forked from here must not hold the connection open.
  if (from == STDIN_FILENO && !ddl::LeaveStandardStreams()) return 1;
  std::signal(SIGPIPE, SIG_IGN);
  return ddl::Agent(std::move(own_from), std::move(own_to), std::move(host_folder)).Run();
}
