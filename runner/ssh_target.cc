// SPDX-License-Identifier: Apache-2.0
#include "runner/ssh_target.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <variant>

#include <fmt/format.h>
#include <glob.h>
#include <pwd.h>
#include <unistd.h>

#include "configs/error.h"
#include "runner/file.h"

namespace ddl {

namespace {

constexpr std::size_t kMostConfigBytes = std::size_t{1} << 20;
constexpr std::size_t kMostHops = 8;
constexpr const char* kSystemFolder = "/etc/ssh";

std::string OrEmpty(const char* text) {
  return text == nullptr ? std::string() : std::string(text);
}

// "~/" and the %-words that OpenSSH knows for file names and HostName.
std::string Expand(std::string_view text, const std::map<char, std::string>& words) {
  std::string expanded;
  if (text == "~" || text.starts_with("~/")) {
    expanded = words.at('d');
    text.remove_prefix(1);
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto word = text[i] == '%' && i + 1 < text.size() ? words.find(text[i + 1]) : words.end();
    if (word == words.end()) {
      expanded += text[i];
    } else {
      expanded += word->second;
      ++i;
    }
  }
  return expanded;
}

std::vector<SshConfigText> ReadConfigs(const SshHome& home) {
  std::vector<SshConfigText> files;
  for (const std::string& path : home.config_files) {
    if (auto text = ReadFile(path, kMostConfigBytes)) {
      files.push_back({path, *std::move(text)});
    } else if (!IsMissing(path)) {
      throw SystemError("cannot read the SSH configuration", path,
                        "make it readable, or remove it");
    }
  }
  return files;
}

std::vector<SshConfigText> FindIncludes(const SshHome& home, const std::string& pattern) {
  std::string path = Expand(pattern, {{'d', home.home}});
  if (!path.starts_with('/')) {
    const bool is_system = home.config_files.front().starts_with(kSystemFolder);
    path = (is_system ? std::string(kSystemFolder) : home.home + "/.ssh") + "/" + path;
  }
  std::vector<SshConfigText> files;
  glob_t found{};
  if (::glob(path.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      auto text = ReadFile(found.gl_pathv[i], kMostConfigBytes);
      if (text) files.push_back({found.gl_pathv[i], *std::move(text)});
    }
  }
  ::globfree(&found);
  return files;
}

// A jump may be written with or without ssh://.
SshAddress ParseJump(const std::string& text, const std::string& name) {
  const std::string full = IsSshHost(text) ? text : std::string(kSshScheme) + text;
  auto parsed = ParseSshAddress(full);
  if (const auto* bad = std::get_if<BadAddress>(&parsed)) {
    throw Error(fmt::format("ProxyJump {} of {}: {}", text, name, bad->why), "",
                "write ProxyJump [USER@]HOST[:PORT]");
  }
  return std::get<SshAddress>(std::move(parsed));
}

std::vector<std::string> SplitAtCommas(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

class RouteFinder {
 public:
  explicit RouteFinder(const SshHome& home) : home_(home), files_(ReadConfigs(home)) {}

  SshRoute Find(const SshAddress& address) {
    Add(address, true);
    return std::move(route_);
  }

 private:
  // The jumps of a list follow each other; only the first of them may have jumps of its own.
  void Add(const SshAddress& address, bool may_jump) {
    if (++hops_ > kMostHops) {
      throw Error(fmt::format("more than {} ProxyJumps on the way to {}", kMostHops, address.host),
                  "", "do two hosts name each other?");
    }
    const SshSettings settings =
        ReadSshConfig(files_, address.host,
                      [this](const std::string& pattern) { return FindIncludes(home_, pattern); });
    if (settings.proxy_command && *settings.proxy_command != "none") {
      throw Error(fmt::format("the SSH configuration of {} has a ProxyCommand, which is never run",
                              address.host),
                  "", "write ProxyJump in place of it");
    }
    if (may_jump && settings.proxy_jump && *settings.proxy_jump != "none") {
      bool is_first = true;
      for (const std::string& jump : SplitAtCommas(*settings.proxy_jump)) {
        Add(ParseJump(jump, address.host), is_first);
        is_first = false;
      }
    }
    route_.notes.insert(route_.notes.end(), settings.notes.begin(), settings.notes.end());
    route_.hops.push_back(Target(address, settings));
  }

  [[nodiscard]] SshTarget Target(const SshAddress& address, const SshSettings& settings) const {
    SshTarget target;
    target.name = address.host;
    target.host_name = Expand(settings.host_name.value_or(address.host),
                              {{'h', address.host}, {'%', "%"}, {'d', home_.home}});
    target.user = address.user.value_or(settings.user.value_or(home_.user));
    target.port = address.port.value_or(settings.port.value_or(target.port));
    target.identities_only = settings.identities_only.value_or(false);
    const std::map<char, std::string> words{
        {'d', home_.home},      {'u', home_.user},   {'h', target.host_name},
        {'r', target.user},     {'n', address.host}, {'p', std::to_string(target.port)},
        {'%', std::string("%")}};
    target.identity_agent = Agent(settings, words);
    target.identity_files = Identities(settings, words);
    for (const auto& list : {KnownHosts(settings.user_known_hosts_files, home_.home + "/.ssh"),
                             KnownHosts(settings.global_known_hosts_files, kSystemFolder)}) {
      for (const std::string& path : list) {
        if (path != "none") target.known_hosts_files.push_back(Expand(path, words));
      }
    }
    return target;
  }

  [[nodiscard]] static std::vector<std::string> KnownHosts(const std::vector<std::string>& named,
                                                           const std::string& folder) {
    if (!named.empty()) return named;
    const std::string name = folder == kSystemFolder ? "/ssh_known_hosts" : "/known_hosts";
    return {folder + name, folder + name + "2"};
  }

  [[nodiscard]] static std::string Agent(const SshSettings& settings,
                                         const std::map<char, std::string>& words) {
    const std::string named = settings.identity_agent.value_or("SSH_AUTH_SOCK");
    if (named == "none") return {};
    return named == "SSH_AUTH_SOCK" ? OrEmpty(std::getenv("SSH_AUTH_SOCK")) : Expand(named, words);
  }

  [[nodiscard]] std::vector<std::string> Identities(
      const SshSettings& settings, const std::map<char, std::string>& words) const {
    std::vector<std::string> files;
    for (const std::string& path : settings.identity_files) {
      if (path != "none") files.push_back(Expand(path, words));
    }
    if (!settings.identity_files.empty()) return files;
    for (const char* name : {"id_ed25519", "id_ecdsa", "id_rsa"}) {
      const std::string path = home_.home + "/.ssh/" + name;
      if (!IsMissing(path)) files.push_back(path);
    }
    return files;
  }

  const SshHome& home_;
  std::vector<SshConfigText> files_;
  SshRoute route_;
  std::size_t hops_ = 0;
};

}  // namespace

SshHome FindSshHome() {
  SshHome found;
  std::array<char, 4096> space{};
  passwd entry{};
  passwd* known = nullptr;
  ::getpwuid_r(::geteuid(), &entry, space.data(), space.size(), &known);
  found.home = known == nullptr ? OrEmpty(std::getenv("HOME")) : OrEmpty(known->pw_dir);
  found.user = known == nullptr ? OrEmpty(std::getenv("USER")) : OrEmpty(known->pw_name);
  const std::string own = OrEmpty(std::getenv("DDL_SSH_CONFIG"));
  found.config_files =
      own.empty() ? std::vector<std::string>{found.home + "/.ssh/config", "/etc/ssh/ssh_config"}
                  : std::vector<std::string>{own};
  return found;
}

SshRoute ResolveSshRoute(const SshAddress& address, const SshHome& home) {
  return RouteFinder(home).Find(address);
}

}  // namespace ddl
