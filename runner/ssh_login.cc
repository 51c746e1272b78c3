// SPDX-License-Identifier: Apache-2.0
#include "runner/ssh_login.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "runner/ssh_auth_agent.h"

namespace ddl {

namespace {

constexpr std::size_t kMostKnownHostsBytes = std::size_t{64} << 20;

struct FreeKey {
  void operator()(ssh_key_struct* key) const { ::ssh_key_free(key); }
};
using Key = std::unique_ptr<ssh_key_struct, FreeKey>;

struct FreeText {
  void operator()(char* text) const { ::ssh_string_free_char(text); }
};
using OwnedText = std::unique_ptr<char, FreeText>;

std::string Place(const SshTarget& target) {
  return target.port == 22 ? target.host_name
                           : fmt::format("[{}]:{}", target.host_name, target.port);
}

// ---- the host's key ----

enum class HostKeyState : std::uint8_t { kKnown, kUnknown, kChanged, kOtherType, kRevoked, kError };

Key ServerKey(ssh_session session) {
  ssh_key key = nullptr;
  ::ssh_get_server_publickey(session, &key);
  return Key(key);
}

std::string Fingerprint(const Key& key) {
  unsigned char* hash = nullptr;
  std::size_t size = 0;
  if (::ssh_get_publickey_hash(key.get(), SSH_PUBLICKEY_HASH_SHA256, &hash, &size) != 0) return {};
  const OwnedText text(::ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size));
  ::ssh_clean_pubkey_hash(&hash);
  return text ? text.get() : "";
}

// libssh passes over lines with @revoked. Whichever host such a line is for: the key is burnt.
bool IsRevoked(const Key& key, const std::string& file) {
  char* encoded = nullptr;
  if (::ssh_pki_export_pubkey_base64(key.get(), &encoded) != SSH_OK) return true;
  const OwnedText base64(encoded);
  const std::string text = ReadFile(file, kMostKnownHostsBytes).value_or("");
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    const std::size_t first = std::min(line.find_first_not_of(" \t"), line.size());
    if (line.substr(first).starts_with("@revoked") &&
        line.find(base64.get()) != std::string_view::npos) {
      return true;
    }
    begin = end + 1;
  }
  return false;
}

HostKeyState Judge(ssh_known_hosts_e answer) {
  switch (answer) {
    case SSH_KNOWN_HOSTS_OK:
      return HostKeyState::kKnown;
    case SSH_KNOWN_HOSTS_CHANGED:
      return HostKeyState::kChanged;
    case SSH_KNOWN_HOSTS_OTHER:
      return HostKeyState::kOtherType;
    case SSH_KNOWN_HOSTS_UNKNOWN:
    case SSH_KNOWN_HOSTS_NOT_FOUND:
      return HostKeyState::kUnknown;
    case SSH_KNOWN_HOSTS_ERROR:
      break;
  }
  return HostKeyState::kError;
}

// What the files say together, as OpenSSH puts it: revoked anywhere, else known anywhere, else
// changed, else of another type. `file` becomes the one that decided.
HostKeyState AskFiles(ssh_session session, const SshTarget& target, const Key& key,
                      std::string& file) {
  HostKeyState together = HostKeyState::kUnknown;
  for (const std::string& path : target.known_hosts_files) {
    if (IsRevoked(key, path)) {
      file = path;
      return HostKeyState::kRevoked;
    }
  }
  for (const std::string& path : target.known_hosts_files) {
    if (IsMissing(path)) continue;
    ::ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, path.c_str());
    ::ssh_options_set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, path.c_str());
    const HostKeyState state = Judge(::ssh_session_is_known_server(session));
    const bool is_worse =
        state == HostKeyState::kChanged ||
        (state == HostKeyState::kOtherType && together != HostKeyState::kChanged) ||
        (state == HostKeyState::kError && together == HostKeyState::kUnknown);
    if (state == HostKeyState::kKnown || is_worse) {
      together = state;
      file = path;
    }
    if (state == HostKeyState::kKnown) break;
  }
  return together;
}

// The line that trusts exactly the key that was shown.
std::string TrustCommand(ssh_session session, const std::string& file) {
  char* entry = nullptr;
  if (::ssh_session_export_known_hosts_entry(session, &entry) != SSH_OK) return {};
  const OwnedText owned(entry);
  std::string line(entry);
  while (line.ends_with('\n')) {
    line.pop_back();
  }
  return fmt::format("echo '{}' >> {}", line, file);
}

SshProblem Refuse(ssh_session session, const SshTarget& target, const Key& key, HostKeyState state,
                  const std::string& file) {
  const std::string shown =
      fmt::format("{} key {}", ::ssh_key_type_to_char(::ssh_key_type(key.get())), Fingerprint(key));
  const std::string place = Place(target);
  const std::string remove = fmt::format("ssh-keygen -R '{}' -f {}", place, file);
  switch (state) {
    case HostKeyState::kUnknown:
      return {fmt::format("{} is not a known host; it shows the {}", place, shown),
              fmt::format("compare it with the host's own, then trust it: {}",
                          TrustCommand(session, target.known_hosts_files.empty()
                                                    ? "~/.ssh/known_hosts"
                                                    : target.known_hosts_files.front()))};
    case HostKeyState::kChanged:
      return {
          fmt::format("{} shows the {}, another than the one in {}: somebody may stand between, "
                      "or the host was set up anew",
                      place, shown, file),
          fmt::format("find out which; if it was set up anew: {}", remove)};
    case HostKeyState::kOtherType:
      return {fmt::format("{} shows the {}, but {} has its key of another type: somebody may stand "
                          "between",
                          place, shown, file),
              fmt::format("find out why; if it was set up anew: {}", remove)};
    case HostKeyState::kRevoked:
      return {fmt::format("{} shows the {}, which {} revokes", place, shown, file),
              "do not log in there; ask who runs the host"};
    case HostKeyState::kKnown:
    case HostKeyState::kError:
      break;
  }
  return {fmt::format("cannot tell from {} whether the key of {} is its own", file, place),
          "look at the file; ssh-keygen -F finds the host in it"};
}

// ---- our keys ----

int NoPassphrase(const char*, char*, std::size_t, int, int, void*) {
  return -1;
}

template <class Try>
int UntilAnswered(ssh_session session, const Patience& patience, Try attempt) {
  int answer = attempt();
  while (answer == SSH_AUTH_AGAIN && WaitForSession(session, patience)) {
    answer = attempt();
  }
  return answer;
}

void Note(const std::string& what, std::string& tried) {
  tried += (tried.empty() ? "" : ", ") + what;
}

int AskAgent(ssh_session session, const SshTarget& target, const Patience& patience,
             std::string& tried) {
  SshAgentSocket agent = ConnectSshAgent(target.identity_agent, patience);
  const char* problem = agent.is_silent ? " (does not answer)" : " (not there)";
  Note(std::string("the SSH agent") + (agent.socket ? "" : problem), tried);
  if (!agent.socket) return SSH_AUTH_DENIED;
  const SshAgentWatch watch(agent.socket, patience);
  if (::ssh_set_agent_socket(session, agent.socket.Get()) != SSH_OK) return SSH_AUTH_DENIED;
  (void)agent.socket.Release();  // libssh closes it
  const int answer = UntilAnswered(session, patience,
                                   [session] { return ::ssh_userauth_agent(session, nullptr); });
  return answer == SSH_AUTH_ERROR && patience.IsOver() ? int{SSH_AUTH_AGAIN} : answer;
}

}  // namespace

short EventsOf(ssh_session session) {
  const bool writes = (::ssh_get_poll_flags(session) & SSH_WRITE_PENDING) != 0;
  return static_cast<short>(writes ? POLLIN | POLLOUT : POLLIN);
}

bool WaitForSession(ssh_session session, const Patience& patience) {
  return patience.Wait(::ssh_get_fd(session), EventsOf(session));
}

std::optional<SshProblem> ShakeHands(ssh_session session, const SshTarget& target,
                                     const Patience& patience) {
  int answer = ::ssh_connect(session);
  while (answer == SSH_AGAIN && WaitForSession(session, patience)) {
    answer = ::ssh_connect(session);
  }
  if (answer == SSH_OK) return std::nullopt;
  const char* why = answer == SSH_AGAIN ? "no answer in time" : ::ssh_get_error(session);
  return SshProblem{fmt::format("no SSH at {}: {}", Place(target), why), {}};
}

std::optional<SshProblem> CheckHostKey(ssh_session session, const SshTarget& target) {
  const Key key = ServerKey(session);
  if (!key) return SshProblem{fmt::format("{} shows no key", Place(target)), "try again later"};
  std::string file;
  const HostKeyState state = AskFiles(session, target, key, file);
  if (state == HostKeyState::kKnown) return std::nullopt;
  return Refuse(session, target, key, state, file);
}

std::optional<SshProblem> Authenticate(ssh_session session, const SshTarget& target,
                                       const Patience& patience) {
  const auto ask = [&](auto attempt) { return UntilAnswered(session, patience, attempt); };
  std::string tried;
  int answer = ask([session] { return ::ssh_userauth_none(session, nullptr); });
  const auto ask_agent = [&] {
    if (target.identity_agent.empty() || answer != SSH_AUTH_DENIED) return;
    answer = AskAgent(session, target, patience, tried);
  };
  if (answer == SSH_AUTH_PARTIAL) answer = SSH_AUTH_DENIED;
  if (!target.identities_only) ask_agent();
  bool needs_passphrase = false;
  for (const std::string& file : target.identity_files) {
    if (answer != SSH_AUTH_DENIED) break;
    ssh_key imported = nullptr;
    if (::ssh_pki_import_privkey_file(file.c_str(), nullptr, NoPassphrase, nullptr, &imported) !=
        SSH_OK) {
      needs_passphrase = needs_passphrase || !IsMissing(file);
      Note(file + (IsMissing(file) ? " (not there)" : " (needs a passphrase)"), tried);
      continue;
    }
    const Key key(imported);
    answer = ask([&] { return ::ssh_userauth_publickey(session, nullptr, key.get()); });
    Note(file, tried);
  }
  // A listed key that only the agent can use.
  if (target.identities_only && needs_passphrase) ask_agent();
  if (answer == SSH_AUTH_SUCCESS) return std::nullopt;
  const std::string who = fmt::format("{}@{}", target.user, Place(target));
  const std::string asked = tried.empty() ? tried : fmt::format(" ({})", tried);
  if (answer == SSH_AUTH_AGAIN) {
    return SshProblem{fmt::format("{}: no answer in time{}", who, asked), {}};
  }
  if (answer == SSH_AUTH_ERROR) {
    return SshProblem{fmt::format("{}: {}", who, ::ssh_get_error(session)), {}};
  }
  if (answer == SSH_AUTH_PARTIAL) {
    return SshProblem{fmt::format("{} wants more than a key", who),
                      "let it accept a key alone for this user"};
  }
  return SshProblem{
      fmt::format("{} lets none of our keys in ({})", who, tried.empty() ? "there is none" : tried),
      fmt::format("ssh-copy-id -p {} {}@{}; a key with a passphrase goes into ssh-agent: ssh-add",
                  target.port, target.user, target.host_name)};
}

}  // namespace ddl
