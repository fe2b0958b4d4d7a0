"""What the tool calls of one log did, by the request that issued them: files edited, commits made, pull requests touched."""

import re
from collections.abc import Iterable

import msgspec

from attribution.tools.commits import commits_printed, longest, may_commit
from attribution.tools.log import OpenRecords
from attribution.tools.pulls_seen import may_touch, pulls_touched
from attribution.usage import CommitMade, PullSeen, Usage, with_work

# The patch format of `apply_patch`: https://github.com/openai/codex/blob/main/codex-rs/apply-patch/apply_patch_tool_instructions.md
_PATCHED = re.compile(r"^\*\*\* (?:(?:Add|Update|Delete) File|Move to): (.+?)\s*$", re.MULTILINE)


class _Call(msgspec.Struct):
    request_id: str
    paths: tuple[str, ...]
    command: str


class _Done(msgspec.Struct):
    """What calls of a request did."""

    edits: set[str] = msgspec.field(default_factory=set[str])
    commits: set[str] = msgspec.field(default_factory=set[str])
    pulls: set[PullSeen] = msgspec.field(default_factory=set[PullSeen])


class Effects:
    """One log while it is read. A call counts once its result says that it worked; until then `open_records` has its records."""

    def __init__(self, open_records: OpenRecords | None = None) -> None:
        self._open_records = open_records or OpenRecords()
        self._calls: dict[str, _Call] = {}
        self._done: dict[str, _Done] = {}

    def add_call(self, call_id: str, request_id: str, *, paths: tuple[str, ...] = (), command: str = "") -> None:
        """A request asked for an edit of `paths`, or to run `command`."""
        paths = tuple(path for path in paths if path)
        if paths or may_commit(command) or may_touch(command):
            self._calls[call_id] = _Call(request_id, paths, command)
            self._open_records.keep(f"call {call_id}")
            self._open_records.keep_as(f"request of {call_id}", "request")

    @property
    def waits(self) -> bool:
        """Whether any call is without an answer."""
        return bool(self._calls)

    def waits_for(self, call_id: str) -> bool:
        return call_id in self._calls

    def add_answer(
        self, call_id: str, output: str = "", *, is_failure: bool = False, commits: Iterable[str] = ()
    ) -> None:
        """A call came back. `output` is what its command printed, which may have committed before it failed; `commits` are ids
        that the tool itself says it made."""
        call = self._calls.pop(call_id, None)
        if call is None:
            return
        self._open_records.drop(f"call {call_id}")
        self._open_records.drop(f"request of {call_id}")
        done = self._done.setdefault(call.request_id, _Done())
        if not is_failure:
            done.edits.update(call.paths)
        if call.command:
            done.commits.update(commits_printed(call.command, output), commits)
            done.pulls.update(pulls_touched(call.command, output))

    def add_edit(self, call_id: str) -> bool:
        """An edit worked, and nothing more is to be known of it. False if the call ran a command: then its output counts."""
        call = self._calls.get(call_id)
        if call is None or call.command:
            return False
        self.add_answer(call_id)
        return True

    def add_to(self, usage: Usage, request_id: str = "") -> Usage:
        """The request with what it did; `request_id` is what its calls were noted under, where that is not its own."""
        names = (request_id,) if request_id else (usage.request_id, *usage.aliases)
        effects = [self._done[name] for name in names if name in self._done]
        if not effects:
            return usage
        edits = set[str]().union(*[done.edits for done in effects])
        commits = set[str]().union(*[done.commits for done in effects])
        pulls = set[PullSeen]().union(*[done.pulls for done in effects])
        if not edits and not commits and not pulls:
            return usage
        return with_work(
            usage,
            edited_files=tuple(sorted(edits)),
            commits_made=tuple(CommitMade(sha=sha) for sha in sorted(longest(commits))),
            pulls_seen=tuple(sorted(pulls)),
        )


def shell_output(output: str) -> str:
    """What a shell printed, as Gemini CLI and its relatives tell it: the first line of it stands behind a label."""
    return "\n".join(line.removeprefix("Output: ") for line in output.splitlines())


def patched(patch: str) -> tuple[str, ...]:
    """The paths that a patch in `apply_patch`'s format touches."""
    return tuple(_PATCHED.findall(patch))
