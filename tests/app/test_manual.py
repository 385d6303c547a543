"""Help of every command: what it does, examples that are no invention, exit codes."""

from __future__ import annotations

import shlex

import pytest
import typer.main

from monitor import cli, manual

cli.describe(cli.app)
GROUP = typer.main.get_command(cli.app)
EXAMPLES = [(words, line) for words, lines in manual.EXAMPLES.items() for line in lines if "camwarden " in line]


def command_of(words: str) -> tuple[typer.main.TyperCommand, int]:
    """The command, and how many words its name has."""
    found = GROUP
    for word in words.split():
        found = found.commands[word]  # type: ignore[attr-defined]
    return found, len(words.split())  # type: ignore[return-value]


def every() -> set[str]:
    """Names of all commands."""
    found = set()
    for name, command in GROUP.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found |= {f"{name} {each}" for each in inner} if inner is not None else {name}
    return found


def test_every_command_is_described_and_nothing_else() -> None:
    """More than a title: what it does, examples, exit codes; no entry for a command that is gone."""
    assert set(manual.EXAMPLES) == every()
    assert set(manual.CODES) <= every()
    for words in every():
        command, _ = command_of(words)
        context = command.make_context(words, [], resilient_parsing=True)
        shown = command.get_help(context)
        assert "Examples:" in shown
        assert "Exit codes:" in shown
        assert len((command.help or "").split()) >= 4, words
        assert all(parameter.help for parameter in command.params if parameter.name != "help"), words


@pytest.mark.parametrize(("words", "line"), EXAMPLES, ids=[line for _, line in EXAMPLES])
def test_an_example_can_be_typed(words: str, line: str) -> None:
    """Its options and arguments are the command's."""
    typed = shlex.split(line[line.index("camwarden ") :].split("|", maxsplit=1)[0].split(" > ", maxsplit=1)[0])
    command, count = command_of(words)
    assert " ".join(typed[1 : 1 + count]) == words
    context = command.make_context(words, typed[1 + count :], resilient_parsing=True)
    parsed, left, _ = command.make_parser(context).parse_args(typed[1 + count :])
    assert left == []
    for parameter in command.params:
        if parameter.required and parameter.name is not None:
            assert parsed.get(parameter.name), (line, parameter.name)
