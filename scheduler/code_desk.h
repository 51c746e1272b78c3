// SPDX-License-Identifier: Apache-2.0
// Which host has which sweep's code, or a checkpoint that was fetched from another host, and what
// each is offered next. One snapshot at a time travels to a host; the link does the sending. On the
// deciding thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "scheduler/events.h"

namespace ddl {

class CodeDesk {
 public:
  // `code_folder`: where this machine keeps snapshots. Its own trials run right there.
  explicit CodeDesk(std::string code_folder) : code_folder_(std::move(code_folder)) {}

  [[nodiscard]] const std::string& Folder() const { return code_folder_; }
  // The host is to have it from now on. `library_folders`: where it may have libraries of its own.
  void Want(int host, const std::string& code, std::vector<std::string> library_folders = {});
  // The same of a trial's checkpoint, of which only what a host refuses is said.
  void WantCheckpoint(int host, const std::string& code);
  // No sweep needs it any more.
  void Drop(const std::string& code);
  // Nothing is known any more of what the host has.
  void Up(int host);
  void Down(int host);

  struct Heard {
    std::variant<std::monostate, CodeReady, CodeAwaited> event;
    std::string say;  // for the screens; mostly empty
  };
  [[nodiscard]] Heard On(int host, const std::string& name, const CodeNews& news,
                         std::chrono::nanoseconds now);

  // What is due. This machine has what it was to have as soon as it is up.
  struct Due {
    std::vector<std::pair<int, OfferCode>> offers;
    std::vector<CodeReady> ready;
  };
  [[nodiscard]] Due Keep(std::chrono::nanoseconds now);

 private:
  struct Host {
    bool is_up = false;
    std::map<std::string, std::vector<std::string>> wanted;   // and where libraries may be
    std::set<std::string> settled;                            // there, or refused and not due again
    std::map<std::string, std::chrono::nanoseconds> refused;  // to be offered again then
    std::map<std::string, std::string> told;                  // why it was refused
    std::string offered;                                      // on its way; "": nothing
    bool said_sending = false;
  };
  [[nodiscard]] std::optional<OfferCode> NextOffer(Host& host, std::chrono::nanoseconds now) const;

  std::string code_folder_;
  std::set<std::string> checkpoints_;
  std::map<int, Host> hosts_;
};

}  // namespace ddl
