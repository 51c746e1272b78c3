// SPDX-License-Identifier: Apache-2.0
#include "cli/secrets.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configs/error.h"

namespace ddl {

namespace {

std::string SecretsFolder() {
  const char* configuration = std::getenv("XDG_CONFIG_HOME");
  if (configuration != nullptr && *configuration == '/') {
    return std::string(configuration) + "/ddl/secrets";
  }
  const char* home = std::getenv("HOME");
  return std::string(home == nullptr ? "" : home) + "/.config/ddl/secrets";
}

std::optional<std::string> ReadSecretFile(const std::string& path) {
  struct stat facts{};
  if (::stat(path.c_str(), &facts) != 0) return std::nullopt;
  if (facts.st_uid != ::geteuid() || (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    throw Error("others can read or change this secret", path, "chmod 600 it, as its owner");
  }
  std::ifstream file(path);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) throw Error("cannot read this secret", path, "is it a file?");
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

SecretValues FindSecrets(const SweepSpec& spec, const std::string& spec_file) {
  SecretValues values;
  for (const SecretVariable& variable : spec.secrets) {
    const std::string& name = variable.secret;
    const std::string path = SecretsFolder() + "/" + name;
    const char* set = std::getenv(name.c_str());
    const std::optional<std::string> value =
        set != nullptr ? std::optional<std::string>(set) : ReadSecretFile(path);
    if (!value) {
      throw Error(fmt::format("there is no secret {}", name), spec_file,
                  fmt::format("export {}=…, or write it to {} (mode 600)", name, path));
    }
    if (value->empty() || value->find('\0') != std::string::npos) {
      throw Error(fmt::format("secret {} is empty, or no text", name), spec_file,
                  "an environment takes text alone");
    }
    values[name] = *value;
  }
  return values;
}

}  // namespace ddl
