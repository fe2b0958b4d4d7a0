"""What people write costs the server in proportion to its length, whatever it is."""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType

import pytest

import attribution
import bot
import webhooks
from attribution.links import MOST_COMMITS, MOST_NUMBERS, closes, issues_of_branch, reverted_commits, reverts
from attribution.pricing import SURCHARGES
from bot.commands.parse import LONGEST_COMMAND, MOST_COMMANDS, CommandError, commands, lines
from bot.markdown import code, phrase, text
from tests.steps import instructions, is_linear

NAMES = {"acme/widgets"}
READERS: dict[str, Callable[[str], object]] = {
    "closes": lambda body: closes([body], NAMES),
    "reverts": lambda body: reverts(body, NAMES),
    "reverted commits": lambda body: reverted_commits([body]),
    "branch": issues_of_branch,
    "commands": commands,
    "lines": lines,
    "text": text,
    "code": code,
    "phrase": phrase,
}
# What the grammars of all of them are made of.
TOKENS = (
    "\n", "\r", "\r\n", " ", "\t", "\u2028", "`", "```", "```\n", "~~~\n", "    ", "> ", "<!--", "-->", "<!-- -->", "@", "#", "#1", "a/b#1 ",
    "fixes ", "fixes #1 ", "Reverts ", "Reverts #1\n", "This reverts commit ", "This reverts commit abcdef1\n", "/", "1/", "issue-1/",
    "https://", "fixes https://a/b/c/issues/1\n", "/mergecost", "/mergecost\n", "/mergecost link ", "/mergecost lnik\n", " because ",
    "60/40 ", "abcdef", "|", "\\", "&", "é", "\u202e", "\u200b", "漢",
)  # fmt: skip


def patterns() -> dict[str, re.Pattern[str]]:
    """Every pattern of the server's modules. Those of tools' logs read what a developer's own machine has written."""
    named = [
        (f"{module.__name__}.{name}", value)
        for package in (attribution, bot, webhooks)
        for module in modules(package)
        for name, value in vars(module).items()
        if isinstance(value, re.Pattern) and not module.__name__.startswith("attribution.tools.")
    ]
    surcharges = [(f"attribution.pricing.SURCHARGES {row.model}", re.compile(row.model)) for row in SURCHARGES]
    return dict(named + surcharges)


def test_no_pattern_is_written_where_it_is_used():
    """There `patterns` would not find it."""
    inline = [
        f"{module.__name__}: {ast.unparse(node)}"
        for package in (attribution, bot, webhooks)
        for module in modules(package)
        if not module.__name__.startswith("attribution.tools.")
        for function in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.")
    ]
    assert inline == ["attribution.pricing: re.search(row.model, model)"]


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


@pytest.mark.parametrize("pattern", [pytest.param(pattern, id=name) for name, pattern in patterns().items()])
def test_no_pattern_reads_a_text_again_and_again(pattern):
    assert is_linear(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        re.compile(r"^\s*Reverts", re.MULTILINE),
        re.compile(r"<!--.*?-->", re.DOTALL),
        re.compile(r"(a+)+b"),
        re.compile(r"\s+$"),
        re.compile(r"(?:a|ab)*c\d+x"),
    ],
)
def test_patterns_that_do_are_recognized(pattern):
    assert not is_linear(pattern)


@pytest.mark.parametrize("reader", READERS)
def test_twice_the_text_takes_twice_the_steps(reader):
    read = READERS[reader]
    for token in TOKENS:
        for start in ("", "```\n", "<!--", "/mergecost "):
            short, long = (instructions(partial(read, start + token * count)) for count in (50, 100))
            assert long <= 2.2 * short + 200, (start, token, short, long)


def test_a_text_refers_to_a_bounded_number_of_others():
    body = "".join(
        f"fixes #{number}\nReverts #{number}\nThis reverts commit {number:07x}\n" for number in range(900, 1, -1)
    )
    assert closes([body, "fixes #1"], NAMES) == tuple(range(901 - MOST_NUMBERS, 901))
    assert reverts(body, NAMES) == tuple(range(901 - MOST_NUMBERS, 901))
    assert len(reverted_commits([body, body])) == MOST_COMMITS


def test_commands_are_bounded_in_number_and_length():
    many, long = "/mergecost refresh\n" * 5000, f"/mergecost {'x' * 60_000}"
    assert commands(many) == [CommandError("a comment may hold 20 commands at most")]
    assert commands(lines(many)) == commands(many)
    assert len(lines(many).splitlines()) == MOST_COMMANDS + 1
    assert commands(long) == [CommandError("a command may hold 1,000 characters at most")]
    assert commands(lines(long)) == commands(long)
    assert len(lines(long)) < LONGEST_COMMAND + 20


@pytest.mark.parametrize(
    "body", ["<!-- \n/mergecost off", "x <!-- y\n/mergecost off\n", "<!--\n-->/mergecost off <!--"]
)
def test_a_command_within_an_html_comment_is_none(body):
    assert len(commands(body)) == ("-->" in body)
