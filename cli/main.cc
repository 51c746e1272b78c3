// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <new>
#include <system_error>

#include "cli/command_line.h"
#include "cli/report_error.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that left is no reason to leave trials unrecorded
  try {
    return ddl::RunCommandLine(argc, argv);
  } catch (const ddl::Error& problem) {
    return ddl::ReportError(problem, ddl::WantsJson(argc, argv));
  } catch (const std::system_error& problem) {  // by the standard library, of files and threads
    return ddl::ReportError(ddl::AsError(problem), ddl::WantsJson(argc, argv));
  } catch (const std::bad_alloc&) {
    return ddl::ReportError(ddl::NoMemory(), ddl::WantsJson(argc, argv));
  }
}
