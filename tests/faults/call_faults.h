// SPDX-License-Identifier: Apache-2.0
// Which system calls can fail how: a fault as a machine makes it, and the calls that it can hit.
#pragma once

#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ddl {

enum class CallFault {
  kFull,         // ENOSPC from all that needs room on a disk
  kBroken,       // EIO from all that touches a disk
  kDescriptors,  // EMFILE from all that makes a descriptor
  kMemory,       // ENOMEM from all that maps, forks, executes or waits
  kInterrupted,  // EINTR from all that may wait
  kShort,        // one byte read or written where more was asked for
};

inline constexpr std::array<const char*, 6> kCallFaults{"full",   "broken",      "descriptors",
                                                        "memory", "interrupted", "short"};

inline std::optional<CallFault> ParseCallFault(const char* text) {
  for (std::size_t i = 0; i < kCallFaults.size(); ++i) {
    if (std::strcmp(kCallFaults[i], text) == 0) return static_cast<CallFault>(i);
  }
  return std::nullopt;
}

// A system call that a process enters.
class FaultCall {
 public:
  FaultCall(pid_t pid, const struct __ptrace_syscall_info& info) : pid_(pid), info_(info) {}

  // The error that the fault gives it, 0 where it is to be shortened; nullopt: it cannot be hit.
  [[nodiscard]] std::optional<int> ErrorOf(CallFault fault) const {
    switch (fault) {
      case CallFault::kFull:
        return Only(NeedsRoom(), ENOSPC);
      case CallFault::kBroken:
        return Only(TouchesDisk(), EIO);
      case CallFault::kDescriptors:
        return Only(Opens() || MakesDescriptor(), EMFILE);
      case CallFault::kMemory:
        return Only(NeedsMemory(), ENOMEM);
      case CallFault::kInterrupted:
        return Only(MayWait(), EINTR);
      case CallFault::kShort:
        return Only(MayBeShort(), 0);
    }
    return std::nullopt;
  }

 private:
  static std::optional<int> Only(bool applies, int error) {
    return applies ? std::optional(error) : std::nullopt;
  }
  template <class... Numbers>
  [[nodiscard]] bool Is(Numbers... numbers) const {
    const auto number = static_cast<long>(info_.entry.nr);
    return ((number == numbers) || ...);
  }
  [[nodiscard]] std::uint64_t Argument(int index) const { return info_.entry.args[index]; }

  [[nodiscard]] bool Reads() const { return Is(SYS_read, SYS_pread64); }
  [[nodiscard]] bool Writes() const { return Is(SYS_write, SYS_pwrite64); }
  [[nodiscard]] bool Opens() const { return Is(SYS_open, SYS_openat); }
  [[nodiscard]] bool Creates() const {
    if (Is(SYS_creat)) return true;
    return Opens() && (Argument(Is(SYS_open) ? 1 : 2) & O_CREAT) != 0;
  }
  [[nodiscard]] bool ChangesFolder() const {
    return Is(SYS_rename, SYS_renameat, SYS_renameat2, SYS_link, SYS_linkat, SYS_mkdir) ||
           Is(SYS_mkdirat, SYS_mknod, SYS_mknodat, SYS_symlink);
  }
  [[nodiscard]] bool Syncs() const { return Is(SYS_fsync, SYS_fdatasync); }

  [[nodiscard]] bool NeedsRoom() const {
    return (Writes() && IsOn(S_IFREG)) || Creates() || ChangesFolder() || Syncs() ||
           Is(SYS_fallocate);
  }
  [[nodiscard]] bool TouchesDisk() const {
    return ((Reads() || Writes()) && IsOn(S_IFREG)) || Opens() || ChangesFolder() || Syncs() ||
           Is(SYS_getdents64, SYS_ftruncate, SYS_unlink, SYS_unlinkat, SYS_rmdir, SYS_stat) ||
           Is(SYS_lstat, SYS_newfstatat, SYS_statx, SYS_access, SYS_faccessat, SYS_faccessat2);
  }
  [[nodiscard]] bool MakesDescriptor() const {
    return Is(SYS_socket, SYS_socketpair, SYS_accept, SYS_accept4, SYS_pipe, SYS_pipe2, SYS_dup) ||
           Is(SYS_eventfd2, SYS_signalfd4, SYS_epoll_create1, SYS_memfd_create, SYS_pidfd_open);
  }
  [[nodiscard]] bool NeedsMemory() const {
    return Is(SYS_mmap, SYS_brk, SYS_mremap, SYS_mprotect, SYS_clone, SYS_clone3, SYS_fork) ||
           Is(SYS_vfork, SYS_execve, SYS_poll, SYS_socket, SYS_socketpair) || Opens();
  }
  // Not open(2): it waits for the other side of a FIFO and for network mounts only, and none is
  // here.
  [[nodiscard]] bool MayWait() const {
    return Reads() || Writes() ||
           Is(SYS_poll, SYS_ppoll, SYS_wait4, SYS_waitid, SYS_accept, SYS_accept4) ||
           WaitsOnFutex() || Is(SYS_connect, SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg) ||
           Is(SYS_nanosleep, SYS_clock_nanosleep);
  }
  [[nodiscard]] bool WaitsOnFutex() const {
    const auto operation = Argument(1) & static_cast<std::uint64_t>(FUTEX_CMD_MASK);
    return Is(SYS_futex) && (operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET);
  }
  // Not what the kernel does whole or not at all: small writes into a pipe, counters, signals, and
  // its own files.
  [[nodiscard]] bool MayBeShort() const {
    if (!Reads() && !Writes() && !Is(SYS_sendto, SYS_recvfrom)) return false;
    if (Argument(2) < 2 || IsOfKernel()) return false;
    if (IsOn(S_IFIFO)) return Reads() || Argument(2) > PIPE_BUF;
    return IsOn(S_IFREG) || IsOn(S_IFSOCK);
  }

  [[nodiscard]] std::string Link() const {
    return "/proc/" + std::to_string(pid_) + "/fd/" + std::to_string(static_cast<int>(Argument(0)));
  }
  [[nodiscard]] bool IsOn(mode_t kind) const {
    struct stat facts{};
    return ::stat(Link().c_str(), &facts) == 0 && (facts.st_mode & S_IFMT) == kind;
  }
  [[nodiscard]] bool IsOfKernel() const {
    std::array<char, 256> name{};
    if (::readlink(Link().c_str(), name.data(), name.size() - 1) < 0) return true;
    return std::strncmp(name.data(), "/proc/", 6) == 0 ||
           std::strncmp(name.data(), "/sys/", 5) == 0;
  }

  pid_t pid_;
  const struct __ptrace_syscall_info& info_;
};

}  // namespace ddl
