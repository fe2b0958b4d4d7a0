"""What an AI tool asks before it goes on: no, where the session, the day or the branch's pull request has cost more than its cap.

Run as `python -I -S hook.py FOLDER TOOL`, with what the tool says on standard input. It reads one small file that `mergecost push`
keeps, and answers as the tool wants it: no network, no wait for anything. Whatever goes wrong, the tool goes on: silence, exit 0.
"""

import json
import os
import sys
import time

FIGURES, UNLOCKS, WANTED = "guard.json", "unlocks.jsonl", "guard.wanted"
# How old figures are when they are made anew, and when they decide nothing any more.
RENEW_SECONDS, KEEP_SECONDS = 60, 600


def main(folder: str, tool: str) -> None:
    told, now = sys.stdin.buffer.read(), time.time()
    try:
        figures = json.loads(_text(f"{folder}/{FIGURES}"))
        age = now - figures["made_at"]
    except (ValueError, TypeError, KeyError):
        figures, age = {}, KEEP_SECONDS
    if not 0 <= age < RENEW_SECONDS:
        renew(folder, now)
    if 0 <= age < KEEP_SECONDS:
        given = json.loads(told)
        held = caps(figures, _session(tool, given), place(_folder(given)), time.strftime("%Y-%m-%d"))
        text = why(held)
        answer = refusal(tool, given.get("hook_event_name", ""), text)
        if text and answer and not unlocked(folder, now):
            os.write(1, json.dumps(answer).encode())


def caps(figures: dict, session: str, where: tuple[str, str], today: str) -> list[dict]:
    """Every cap that holds there, each a `Line` as JSON. `figures` is the `Figures` as JSON, `session` a tool and its session's
    id, `where` what `place` says of the folder."""
    repository, branch = figures["repositories"].get(where[0], ""), where[1]
    held = figures["caps"].get(repository) or figures["caps"][""]
    spent = {
        "session": ("this session", figures["sessions"].get(session, 0)),
        "day": ("the work on this machine today", figures["day_micros"] if figures["day"] == today else 0),
        "pull": figures["branches"].get(repository, {}).get(branch),
    }
    return [
        {"kind": kind, "what": spent[kind][0], "spent_micros": spent[kind][1], "cap_micros": cap, "set_in": set_in}
        for kind, (cap, set_in) in held.items()
        if spent[kind]
    ]


def why(held: list[dict]) -> str:
    """What is over its cap, for whoever reads it, a person or the tool's model; empty if nothing is."""
    over = [one for one in held if one["spent_micros"] > one["cap_micros"]]
    said = "; ".join(
        f"{one['what']} has cost {usd(one['spent_micros'])} at list price, over the cap of {usd(one['cap_micros'])} "
        f"({one['set_in']})"
        for one in over
    )
    go_on = 'Do nothing more and say so. To go on, a person runs: mergecost guard --unlock 2h --reason "..."'
    return f"Stopped by Mergecost: {said}. {go_on}" if over else ""


def refusal(tool: str, event: str, text: str) -> dict | None:
    """How each tool is told no; None for an event at which it would not listen."""
    deny = {"hookEventName": event, "permissionDecision": "deny", "permissionDecisionReason": text}
    answers: dict[tuple[str, str], dict] = {
        # Where a tool can be told to end the turn, it is: a mere denial leaves its model to try, and pay for, the next thing.
        # https://code.claude.com/docs/en/hooks
        ("claude-code", "PreToolUse"): {"continue": False, "stopReason": text, "hookSpecificOutput": deny},
        ("claude-code", "UserPromptSubmit"): {"decision": "block", "reason": text},
        # Takes `continue` here for a mistake, and goes on: https://developers.openai.com/codex/hooks
        ("codex", "PreToolUse"): {"hookSpecificOutput": deny},
        ("codex", "UserPromptSubmit"): {"decision": "block", "reason": text},
        # https://geminicli.com/docs/hooks/reference
        ("gemini-cli", "BeforeTool"): {"continue": False, "stopReason": text, "decision": "deny", "reason": text},
        ("gemini-cli", "BeforeAgent"): {"decision": "deny", "reason": text},
        # Names no event, and hears no answer to a prompt: https://docs.github.com/en/copilot/reference/hooks-reference
        ("copilot-cli", ""): {"permissionDecision": "deny", "permissionDecisionReason": text},
        # https://cursor.com/docs/hooks
        ("cursor", "preToolUse"): {"permission": "deny", "user_message": text, "agent_message": text},
        ("cursor", "beforeSubmitPrompt"): {"continue": False, "user_message": text},
    }
    return answers.get((tool, event))


def place(folder: str) -> tuple[str, str]:
    """The git folder of the repository around `folder`, one for all of its worktrees, and the branch checked out there. Empty
    where there is none. https://git-scm.com/docs/gitrepository-layout"""
    folder = os.path.realpath(folder)
    while not (head := _text(f"{git_of(folder)}/HEAD")):
        if folder == (folder := os.path.dirname(folder)):
            return "", ""
    git = git_of(folder)
    branch = head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else ""
    return os.path.realpath(os.path.join(git, _text(f"{git}/commondir"))), branch


def git_of(folder: str) -> str:
    """`.git`, which of a worktree or a submodule is a file that says where."""
    git = f"{folder}/.git"
    return os.path.join(folder, _text(git).removeprefix("gitdir: ")) if os.path.isfile(git) else git


def unlocked(folder: str, now: float) -> bool:
    """Whether a person has said that work goes on for now; what was said last counts."""
    said = _text(f"{folder}/{UNLOCKS}").splitlines()
    return bool(said) and now < json.loads(said[-1])["until"]


def usd(micros: int) -> str:
    """`4_120_000` -> `$4.12`, half to even as everywhere."""
    cents = (micros + 4_999 + micros // 10_000 % 2) // 10_000
    return f"${cents // 100:,}.{cents % 100:02}"


def renew(folder: str, now: float) -> None:
    """Have the figures made anew by a process of its own: one, however many hooks run at once."""
    import fcntl  # noqa: PLC0415 (once a minute)

    wanted = os.open(f"{folder}/{WANTED}", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(wanted, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    seen = os.fstat(wanted)
    if not (seen.st_size and 0 <= now - seen.st_mtime < RENEW_SECONDS):
        os.pwrite(wanted, b"1", 0)
        push = os.path.join(os.path.dirname(__file__), os.pardir, "hook.py")
        os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-I", "-S", push, folder])  # noqa: S606


def _session(tool: str, given: dict) -> str:
    named = given.get("conversation_id") or given.get("session_id") or given.get("sessionId")
    return f"{tool} {named}" if named else ""


def _folder(given: dict) -> str:
    return given.get("cwd") or given["workspace_roots"][0]


def _text(path: str) -> str:
    """A file without white space around it, empty where there is none."""
    try:
        with open(path, "rb") as file:
            return os.fsdecode(file.read().strip())
    except OSError:
        return ""


if __name__ == "__main__":
    sys.excepthook = lambda *_: os._exit(0)
    main(sys.argv[1], sys.argv[2])
    os._exit(0)
