// SPDX-License-Identifier: Apache-2.0
#include "runner/ssh_config.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "configs/error.h"

namespace ddl {

namespace {

constexpr int kDeepestInclude = 16;  // as in OpenSSH
constexpr int kMostSshPort = 65535;

struct ConfigLine {
  std::string keyword;  // in lower case; "" for a line that says nothing
  std::vector<std::string> words;
};

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// One word from `at` on, without its quotes; a word that begins with # ends the line.
std::optional<std::string> NextWord(std::string_view line, std::size_t& at) {
  at = line.find_first_not_of(" \t\r", at);
  if (at == std::string_view::npos || line[at] == '#') return std::nullopt;
  std::string word;
  char quote = 0;
  for (; at < line.size(); ++at) {
    const char c = line[at];
    if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (quote == 0 && (c == ' ' || c == '\t' || c == '\r')) {
      break;
    } else {
      word += c;
    }
  }
  return word;
}

ConfigLine SplitLine(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos || line[begin] == '#') return {};
  std::size_t at = std::min(line.find_first_of(" \t\r=", begin), line.size());
  ConfigLine split{LowerCase(line.substr(begin, at - begin)), {}};
  at = line.find_first_not_of(" \t\r", at);
  if (at != std::string_view::npos && line[at] == '=') ++at;
  while (at != std::string_view::npos && at < line.size()) {
    std::optional<std::string> word = NextWord(line, at);
    if (!word) break;
    split.words.push_back(*std::move(word));
  }
  return split;
}

bool HostLineMatches(const std::vector<std::string>& patterns, std::string_view host) {
  bool matches = false;
  for (const std::string_view pattern : patterns) {
    const bool is_negated = pattern.starts_with('!');
    if (!MatchesSshPattern(host, pattern.substr(is_negated ? 1 : 0))) continue;
    if (is_negated) return false;
    matches = true;
  }
  return matches;
}

class ConfigReader {
 public:
  ConfigReader(const std::string& host, const SshIncludes& includes, SshSettings& settings)
      : host_(host), includes_(includes), settings_(settings) {}

  // A block of an included file ends with that file.
  void Read(const SshConfigText& file, bool is_active, int depth) {
    std::size_t number = 0;
    std::string_view rest = file.text;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      const ConfigLine line = SplitLine(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      where_ = fmt::format("{}:{}", file.path, ++number);
      if (line.keyword == "host") {
        is_active = HostLineMatches(line.words, host_);
      } else if (line.keyword == "match") {
        is_active = Match(line.words);
      } else if (is_active && line.keyword == "include") {
        Include(line.words, depth);
      } else if (is_active) {
        Take(line);
      }
    }
  }

 private:
  bool Match(const std::vector<std::string>& words) {
    if (words.size() == 1 && LowerCase(words.front()) == "all") return true;
    settings_.notes.push_back(fmt::format("{}: this Match block is skipped", where_));
    return false;
  }

  void Include(const std::vector<std::string>& patterns, int depth) {
    const std::string where = where_;
    if (depth == kDeepestInclude) {
      throw Error("Include within Include too deep", where, "does a file include itself?");
    }
    for (const std::string& pattern : patterns) {
      for (const SshConfigText& file : includes_(pattern)) {
        Read(file, true, depth + 1);
      }
    }
  }

  void Take(const ConfigLine& line) {
    const std::map<std::string_view, std::optional<std::string>*> texts{
        {"hostname", &settings_.host_name},
        {"user", &settings_.user},
        {"identityagent", &settings_.identity_agent},
        {"proxyjump", &settings_.proxy_jump},
        {"proxycommand", &settings_.proxy_command}};
    const auto text = texts.find(line.keyword);
    if (text != texts.end()) return TakeFirst(line, *text->second);
    if (line.keyword == "port") return TakePort(line);
    if (line.keyword == "identitiesonly") return TakeFlag(line);
    if (line.keyword == "identityfile") settings_.identity_files.push_back(ValueOf(line));
    if (line.keyword == "userknownhostsfile") TakeList(line, settings_.user_known_hosts_files);
    if (line.keyword == "globalknownhostsfile") TakeList(line, settings_.global_known_hosts_files);
  }

  [[nodiscard]] const std::string& ValueOf(const ConfigLine& line) const {
    if (!line.words.empty() && !line.words.front().empty()) return line.words.front();
    throw Error(fmt::format("{} has no value", line.keyword), where_, "write one, or remove it");
  }

  void TakeFirst(const ConfigLine& line, std::optional<std::string>& value) {
    const std::string& word = ValueOf(line);
    if (!value) value = word;
  }

  void TakePort(const ConfigLine& line) {
    const std::string& word = ValueOf(line);
    int port = 0;
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), port);
    if (problem != std::errc() || *end != '\0' || port < 1 || port > kMostSshPort) {
      throw Error(fmt::format("{} is no port", word), where_, "write 1 to 65535");
    }
    if (!settings_.port) settings_.port = port;
  }

  void TakeFlag(const ConfigLine& line) {
    const std::string word = LowerCase(ValueOf(line));
    const bool is_on = word == "yes" || word == "true";
    if (!is_on && word != "no" && word != "false") {
      throw Error(fmt::format("{} is neither yes nor no", word), where_, "write yes or no");
    }
    if (!settings_.identities_only) settings_.identities_only = is_on;
  }

  void TakeList(const ConfigLine& line, std::vector<std::string>& list) const {
    (void)ValueOf(line);
    if (list.empty()) list = line.words;
  }

  const std::string& host_;
  const SshIncludes& includes_;
  SshSettings& settings_;
  std::string where_;
};

}  // namespace

bool MatchesSshPattern(std::string_view text, std::string_view pattern) {
  // After a star: where it began to match, and what it has swallowed so far.
  std::size_t star = std::string_view::npos;
  std::size_t swallowed = 0;
  std::size_t t = 0;
  std::size_t p = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      swallowed = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++swallowed;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

SshSettings ReadSshConfig(const std::vector<SshConfigText>& files, const std::string& host,
                          const SshIncludes& includes) {
  SshSettings settings;
  ConfigReader reader(host, includes, settings);
  for (const SshConfigText& file : files) {
    reader.Read(file, true, 0);
  }
  return settings;
}

}  // namespace ddl
