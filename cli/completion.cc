// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.h"

#include <vector>

#include <fmt/format.h>

#include "cli/command_table.h"
#include "cli/terminal.h"
#include "configs/error.h"

namespace ddl {

namespace {

std::vector<OptionWords> OptionsOf(const CommandWords& command) {
  std::vector<OptionWords> options(command.options.begin(), command.options.end());
  const auto common = CommonOptionWords();
  options.insert(options.end(), common.begin(), common.end());
  return options;
}

std::string_view KindWord(WordKind kind) {
  switch (kind) {
    case WordKind::kNothing:
    case WordKind::kAny:
      return "any";
    case WordKind::kFile:
      return "file";
    case WordKind::kFolder:
      return "folder";
    case WordKind::kSweep:
    case WordKind::kTrial:
      return "sweep";
    case WordKind::kCommand:
      return "command";
    case WordKind::kShell:
      return "shell";
    case WordKind::kStoreVerb:
      return "store";
    case WordKind::kDataVerb:
      return "data";
    case WordKind::kHostVerb:
      return "hosts";
  }
  return "any";
}

constexpr std::string_view kBashHead =
    R"sh(# bash completion for ddl; load it with: source <(ddl completion bash)
# A name may hold anything that a shell would expand: it is quoted, and never expanded here.
_ddl_sweeps() {
  local -a names
  local name quoted
  mapfile -t names < <("${COMP_WORDS[0]}" status --names 2>/dev/null)
  for name in "${names[@]}"; do
    printf -v quoted %q "$name"
    if [[ $name == "$1"* || $quoted == "$1"* ]]; then printf '%s\n' "$quoted"; fi
  done
}
_ddl_words() {
  case $1 in
    file) compgen -f -- "$2" ;;
    folder) compgen -d -- "$2" ;;
    sweep) _ddl_sweeps "$2" ;;
    command) compgen -c -- "$2" ;;
    shell) compgen -W "bash zsh fish" -- "$2" ;;
    store) compgen -W "check backup rebuild" -- "$2" ;;
    data) compgen -W "info check pack" -- "$2"; compgen -f -- "$2" ;;
    hosts) compgen -W "check drain resume add remove" -- "$2" ;;
  esac
}
_ddl() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command= options= takes= argument=any i
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ ${COMP_WORDS[i]} == -* ]] || { command=${COMP_WORDS[i]}; break; }
  done
)sh";

constexpr std::string_view kBashTail =
    R"sh(  # Names of sweeps are no files, and are quoted already.
  [[ ${takes:-$argument} != sweep ]] || compopt +o filenames 2>/dev/null
  if [[ -n $takes ]]; then
    mapfile -t COMPREPLY < <(_ddl_words "$takes" "$current")
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  else
    mapfile -t COMPREPLY < <(_ddl_words "$argument" "$current")
  fi
}
complete -o filenames -F _ddl ddl
)sh";

std::string BashCase(const CommandWords& command) {
  std::string names;
  std::string taking;
  for (const OptionWords& option : OptionsOf(command)) {
    names += (names.empty() ? "" : " ") + std::string(option.name);
    if (option.takes == WordKind::kNothing) continue;
    taking += fmt::format(" {}) takes={} ;;", option.name, KindWord(option.takes));
  }
  return fmt::format("    {}) argument={} options=\"{}\"\n      case $previous in{} esac ;;\n",
                     command.name, KindWord(command.argument), names, taking);
}

std::string BashScript() {
  std::string names;
  std::string cases;
  for (const CommandWords& command : AllCommands()) {
    names += (names.empty() ? "" : " ") + std::string(command.name);
    cases += BashCase(command);
  }
  return std::string(kBashHead) +
         fmt::format(
             "  case $command in\n    '') mapfile -t COMPREPLY < <(compgen -W \"{}\" -- "
             "\"$current\"); return ;;\n{}  esac\n",
             names, cases) +
         std::string(kBashTail);
}

std::string_view ZshAction(WordKind kind) {
  switch (kind) {
    case WordKind::kNothing:
      return "";
    case WordKind::kAny:
      return ":value:";
    case WordKind::kFile:
      return ":file:_files";
    case WordKind::kFolder:
      return ":folder:_files -/";
    case WordKind::kSweep:
    case WordKind::kTrial:
      return ":sweep:_ddl_sweeps";
    case WordKind::kCommand:
      return ":command:_command_names";
    case WordKind::kShell:
      return ":shell:(bash zsh fish)";
    case WordKind::kStoreVerb:
      return ":verb:(check backup rebuild)";
    case WordKind::kDataVerb:
      return ":verb:(info check pack)";
    case WordKind::kHostVerb:
      return ":verb:(check drain resume add remove)";
  }
  return "";
}

std::string ZshScript() {
  std::string names;
  std::string cases;
  for (const CommandWords& command : AllCommands()) {
    names += fmt::format("    '{}:{}'\n", command.name, command.help);
    cases += fmt::format("    {})\n      _arguments", command.name);
    for (const OptionWords& option : OptionsOf(command)) {
      cases +=
          fmt::format(" \\\n        '{}[{}]{}'", option.name, option.help, ZshAction(option.takes));
    }
    if (command.argument != WordKind::kNothing) {
      cases += fmt::format(" \\\n        '*{}'", ZshAction(command.argument));
    }
    cases += " ;;\n";
  }
  return fmt::format(
      R"sh(#compdef ddl
# zsh completion for ddl; save it as _ddl in a folder of $fpath
_ddl_sweeps() {{
  local -a sweeps
  sweeps=("${{(@f)$(ddl status --names 2>/dev/null)}}")
  compadd -a sweeps
}}
_ddl() {{
  local -a commands
  commands=(
{}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
{}  esac
}}
compdef _ddl ddl
)sh",
      names, cases);
}

std::string_view FishValues(WordKind kind) {
  switch (kind) {
    case WordKind::kNothing:
    case WordKind::kAny:
      return "-f";
    case WordKind::kFile:
      return "-F";
    case WordKind::kFolder:
      return "-f -a '(__fish_complete_directories)'";
    case WordKind::kSweep:
    case WordKind::kTrial:
      return "-f -a '(ddl status --names 2>/dev/null)'";
    case WordKind::kCommand:
      return "-f -a '(__fish_complete_command)'";
    case WordKind::kShell:
      return "-f -a 'bash zsh fish'";
    case WordKind::kStoreVerb:
      return "-f -a 'check backup rebuild'";
    case WordKind::kDataVerb:
      return "-F -a 'info check pack'";
    case WordKind::kHostVerb:
      return "-f -a 'check drain resume add remove'";
  }
  return "-f";
}

std::string FishOption(const CommandWords& command, const OptionWords& option) {
  const bool is_long = option.name.starts_with("--");
  const bool takes = option.takes != WordKind::kNothing;
  return fmt::format("complete -c ddl -n '__fish_seen_subcommand_from {}' {} {}{} -d '{}'\n",
                     command.name, is_long ? "-l" : "-s", option.name.substr(is_long ? 2 : 1),
                     takes ? fmt::format(" -r {}", FishValues(option.takes)) : "", option.help);
}

std::string FishScript() {
  std::string script =
      "# fish completion for ddl; load it with: ddl completion fish | source\n"
      "complete -c ddl -f\n";
  for (const CommandWords& command : AllCommands()) {
    script += fmt::format("complete -c ddl -n __fish_use_subcommand -a {} -d '{}'\n", command.name,
                          command.help);
    script += fmt::format("complete -c ddl -n '__fish_seen_subcommand_from {}' {}\n", command.name,
                          FishValues(command.argument));
    for (const OptionWords& option : OptionsOf(command)) {
      script += FishOption(command, option);
    }
  }
  return script;
}

}  // namespace

std::string CompletionScript(std::string_view shell) {
  if (shell == "bash") return BashScript();
  if (shell == "zsh") return ZshScript();
  if (shell == "fish") return FishScript();
  throw Error(fmt::format("no completion for the shell \"{}\"", OneLine(shell)), "",
              "there is one for bash, zsh and fish");
}

}  // namespace ddl
