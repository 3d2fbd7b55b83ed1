"""`pyvm completion`: what a shell offers when Tab is pressed, as a script for it.

Enters: the name of a shell; the parser of all commands.  Leaves: the script on stdout.  It holds
all that there is to offer, so that no Tab starts Python.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

from pyvm.commands import common, status
from pyvm.commands.parsers import Taken, commands_of, subcommands, taken_by
from pyvm.commands.report import Report

_MODELS = ("base", "standard")


def add(commands: common.Commands) -> None:
    parser = commands.add_parser(
        "completion",
        help="print what makes a shell complete pyvm's commands, options and names",
        description="Prints a script that the shell reads when it starts.",
        epilog="Once and for all: bash: pyvm completion bash > "
        "~/.local/share/bash-completion/completions/pyvm; zsh: the same into a file _pyvm in a "
        "folder of $fpath; fish: into ~/.config/fish/completions/pyvm.fish. " + status.EPILOG,
        examples=(
            ('eval "$(pyvm completion bash)"', "for this shell"),
            ('eval "$(pyvm completion zsh)"', "for this shell, behind compinit"),
            ("pyvm completion fish | source", "for this shell"),
        ),
    )
    parser.add_argument("shell", choices=tuple(_SHELLS), help="the shell")
    parser.set_defaults(command=completion)


def completion(arguments: argparse.Namespace, report: Report) -> int:
    from pyvm.commands.dispatch import make_parser

    sys.stdout.write(_SHELLS[arguments.shell](make_parser()))
    return status.OK


def _programs() -> tuple[str, ...]:
    from pyvm.bundled import PROGRAMS

    return tuple(PROGRAMS)


def _options(parser: argparse.ArgumentParser) -> list[Taken]:
    return [taken for taken in taken_by(parser) if taken.flags]


def _place(parser: argparse.ArgumentParser) -> Taken | None:
    """What stands behind the options."""
    return next((taken for taken in taken_by(parser) if not taken.flags), None)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# bash. Its words are broken at "=", so that --path=plan comes as three.

_BASH = """\
# Completion of pyvm for bash, printed by `pyvm completion bash`.

_pyvm_offer() {
    local line
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$@" -- "$cur")
}

_pyvm_files() {
    compopt -o filenames 2>/dev/null
    _pyvm_offer "$1"
}

_pyvm() {
    local cur=${COMP_WORDS[COMP_CWORD]} command= taken= before= rest= place= options= names= word i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == = ]]; then
            taken=$before
            continue
        fi
        before=$taken
        if [[ -n $taken ]]; then
            taken=
            continue
        fi
        case $command/$word in
            */--) rest=1; break ;;
@WALK@
        esac
        before=$taken
    done
    [[ $cur == = ]] && cur= && taken=$before
    case $command in
@COMMANDS@
    esac
    if [[ -n $rest ]]; then
        taken=file
    elif [[ -z $taken && $cur == -* ]]; then
        _pyvm_offer -W "$options"
        return
    elif [[ -z $taken ]]; then
        taken=$place
    fi
    case $taken in
        choice*) _pyvm_offer -W "${taken#choice}" ;;
        program) _pyvm_offer -W @PROGRAMS@; _pyvm_files -f ;;
        model) _pyvm_offer -W @MODELS@; _pyvm_files -f ;;
        file) _pyvm_files -f ;;
        folder) _pyvm_files -d ;;
    esac
}

complete -F _pyvm pyvm
"""


def _bash_kind(taken: Taken) -> str:
    return " ".join(("choice", *taken.choices)) if taken.kind == "choice" else taken.kind


def bash(parser: argparse.ArgumentParser) -> str:
    walk, commands = [], []
    for names, child in commands_of(parser):
        command = " ".join(names)
        for name in subcommands(child):
            inner = " ".join((*names, name))
            walk.append(f"            {_quoted(f'{command}/{name}')}) command={_quoted(inner)} ;;")
        for taken in _options(child):
            if taken.kind:
                flags = "|".join(_quoted(f"{command}/{flag}") for flag in taken.flags)
                walk.append(f"            {flags}) taken={_quoted(_bash_kind(taken))} ;;")
        flags = " ".join(flag for taken in _options(child) for flag in taken.flags)
        place = _place(child)
        kind = "" if place is None else _bash_kind(place)
        kind = " ".join(("choice", *subcommands(child))) if subcommands(child) else kind
        commands.append(
            f"        {_quoted(command)}) options={_quoted(flags)} place={_quoted(kind)} ;;"
        )
    return (
        _BASH.replace("@WALK@", "\n".join(walk))
        .replace("@COMMANDS@", "\n".join(commands))
        .replace("@PROGRAMS@", _quoted(" ".join(_programs())))
        .replace("@MODELS@", _quoted(" ".join(_MODELS)))
    )


# zsh, by its own _arguments: a function for each command.

_ZSH = """\
#compdef pyvm
# Completion of pyvm for zsh, printed by `pyvm completion zsh`.

_pyvm_programs() {
    _alternative @PROGRAMS@ 'files:file:_files'
}

_pyvm_models() {
    _alternative @MODELS@ 'files:model file:_files'
}

@FUNCTIONS@
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _pyvm "$@"
else
    compdef _pyvm pyvm
fi
"""
_ZSH_KINDS = {"program": "_pyvm_programs", "model": "_pyvm_models", "file": "_files"}
_ZSH_KINDS["folder"] = "_files -/"


def _zsh_text(text: str) -> str:
    """Text between colons or brackets."""
    for special in "\\:[]":
        text = text.replace(special, "\\" + special)
    return text


def _zsh_value(taken: Taken) -> str:
    action = _ZSH_KINDS.get(taken.kind, " ")
    if taken.kind == "choice":
        action = f"({' '.join(taken.choices)})"
    return f":{_zsh_text(taken.metavar)}:{action}"


def _zsh_specs(parser: argparse.ArgumentParser) -> Iterator[str]:
    for taken in _options(parser):
        for flag in taken.flags:
            joined = ("=" if flag.startswith("--") else "+") if taken.kind else ""
            others = "" if taken.many else f"({' '.join(taken.flags)})"
            value = _zsh_value(taken) if taken.kind else ""
            repeated = "*" if taken.many else ""
            yield f"{others}{repeated}{flag}{joined}[{_zsh_text(taken.help)}]{value}"
    if (place := _place(parser)) is not None:
        yield ("*" if place.many else "") + _zsh_value(place)


def zsh(parser: argparse.ArgumentParser) -> str:
    functions = []
    for names, child in reversed(list(commands_of(parser))):  # the innermost first
        inner = subcommands(child)
        specs = list(_zsh_specs(child))
        if inner:
            offered = " ".join(f'{name}\\:"{_zsh_text(said)}"' for name, said in inner.items())
            specs += [f"1:command:(({offered}))", "*::argument:->rest"]
        lines = [f"{'_'.join(('_pyvm', *names))}() {{"]
        lines += ["    local curcontext=$curcontext state line"] if inner else []
        arguments = " \\\n        ".join(map(_quoted, specs))
        lines.append(f"    _arguments {'-C' if inner else '-s'} \\\n        {arguments}")
        if inner:
            lines += ["    [[ $state == rest ]] || return", "    case $words[1] in"]
            lines += [f"        {n}) {'_'.join(('_pyvm', *names, n))} ;;" for n in inner]
            lines.append("    esac")
        functions.append("\n".join([*lines, "}\n"]))
    return (
        _ZSH.replace("@FUNCTIONS@", "\n".join(functions))
        .replace("@PROGRAMS@", _quoted(f"programs:bundled program:({' '.join(_programs())})"))
        .replace("@MODELS@", _quoted(f"machines:machine:({' '.join(_MODELS)})"))
    )


# fish: one line for each thing to offer, with the command that it belongs to as its condition.

_FISH = """\
# Completion of pyvm for fish, printed by `pyvm completion fish`.

function __pyvm_at
    set -l command ''
    for word in (commandline -opc)[2..-1]
        switch $command/$word
            case '*/--'
                return 1
@WALK@
        end
    end
    test "$command" = "$argv"
end

complete -c pyvm -f
"""


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _fish_offer(taken: Taken) -> str:
    """Behind an option or at a place: -r takes a value, -x one that is no file."""
    words = {"choice": taken.choices, "program": _programs(), "model": _MODELS}.get(taken.kind)
    if taken.kind == "folder":
        return "-x -a '(__fish_complete_directories)'"
    files = taken.kind in ("program", "model", "file")
    return ("-r -F" if files else "-x") + (f" -a {_fish_quoted(' '.join(words))}" if words else "")


def fish(parser: argparse.ArgumentParser) -> str:
    walk, lines = [], []
    for names, child in commands_of(parser):
        command = " ".join(names)
        at = f"complete -c pyvm -n {_fish_quoted(f'__pyvm_at {command}')}"
        for name, said in subcommands(child).items():
            inner = " ".join((*names, name))
            walk.append(f"            case {_fish_quoted(f'{command}/{name}')}")
            walk.append(f"                set command {_fish_quoted(inner)}")
            lines.append(f"{at} -a {_fish_quoted(name)} -d {_fish_quoted(said)}")
        for taken in _options(child):
            flags = " ".join(
                f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"
                for flag in taken.flags
            )
            offer = f" {_fish_offer(taken)}" if taken.kind else ""
            lines.append(f"{at} {flags}{offer} -d {_fish_quoted(taken.help)}")
        if (place := _place(child)) is not None:
            offer = _fish_offer(place).replace("-r ", "").replace("-x ", "")
            lines.append(f"{at} {offer}")
    return _FISH.replace("@WALK@", "\n".join(walk)) + "\n".join(lines) + "\n"


_SHELLS: dict[str, Callable[[argparse.ArgumentParser], str]] = {
    "bash": bash,
    "zsh": zsh,
    "fish": fish,
}
