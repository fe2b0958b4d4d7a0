"""Answers an AI tool before each step: the step is refused if the session, the day or the branch's pull request is over its cap.

Run as `python -I -S hook.py FOLDER TOOL`, with the tool's JSON on standard input. It reads one small file that `mergecost push`
writes, and answers in the tool's own format. It uses no network and waits for nothing. If anything fails, the tool goes on: the
hook prints nothing and exits with 0.
"""

import json
import os
import stat
import sys
import time

FIGURES, UNLOCKS, REQUEST = "guard.json", "unlocks.jsonl", "guard.request"
# The age at which figures are computed again, and the age from which on they decide nothing. What was over its cap still is when
# work is taken up again, so that old figures stop it, too.
RENEW_SECONDS, KEEP_SECONDS = 20, 24 * 3600
# Of our own files, and of git's, which hold a path or a name.
MOST_BYTES, MOST_GIT_BYTES = 16 * 1024 * 1024, 5000


def main(folder: str, tool: str) -> None:
    body, now = sys.stdin.buffer.read(), time.time()
    try:
        figures = json.loads(_text(f"{folder}/{FIGURES}", MOST_BYTES))
        age = now - figures["made_at"]
    except (ValueError, TypeError, KeyError):
        figures, age = {}, KEEP_SECONDS
    if not 0 <= age < RENEW_SECONDS:
        renew(folder)
    if 0 <= age < KEEP_SECONDS:
        event = json.loads(body)
        text = why(
            caps(figures, _session(tool, event, figures["sessions"]), place(_folder(event)), time.strftime("%Y-%m-%d"))
        )
        answer = refusal(tool, event.get("hook_event_name", ""), text)
        if text and answer and not is_unlocked(folder, now):
            os.write(1, json.dumps(answer).encode())


def caps(figures: dict, session: str, where: tuple[str, str], today: str) -> list[dict]:
    """Every cap in force there, each a `Line` as JSON. `figures` is the `Figures` as JSON, `session` a tool and its session's
    id, `where` the `place` of the folder."""
    repository, branch = figures["repositories"].get(where[0], ""), where[1]
    amounts = {
        "session": ("this session", figures["sessions"].get(session, 0)),
        "day": ("the work on this machine today", figures["day_micros"] if figures["day"] == today else 0),
        "pull": figures["branches"].get(repository, {}).get(branch),
    }
    names = {"session": session, "day": "day" if figures["day"] == today else "", "pull": f"{repository} {branch}"}
    return [
        {
            "kind": kind, "what": amounts[kind][0], "spent_micros": amounts[kind][1],
            "is_partial": names[kind] in figures.get("unpriced", ()), "cap_micros": cap, "set_in": set_in,
        }
        for kind, (cap, set_in) in (figures["caps"].get(repository) or figures["caps"][""]).items()
        if amounts[kind]
    ]  # fmt: skip


def why(lines: list[dict]) -> str:
    """Which of the caps are exceeded, for a person or the tool's model to read; empty if none is."""
    over = [line for line in lines if line["spent_micros"] > line["cap_micros"]]
    reasons = "; ".join(
        f"{line['what']} has cost {'at least ' * line['is_partial']}{usd(line['spent_micros'])} at list price, "
        f"over the cap of {usd(line['cap_micros'])} ({line['set_in']})"
        for line in over
    )
    go_on = 'Do nothing more and say so. To go on, a person runs: mergecost guard --unlock 2h --reason "..."'
    text = f"Stopped by Mergecost: {reasons}. {go_on}" if over else ""
    return "".join(c if c.isprintable() else "?" for c in text)  # the tool shows names of branches in a terminal


def refusal(tool: str, event: str, text: str) -> dict | None:
    """The refusal in the tool's own format; None for an event whose answer the tool ignores."""
    deny = {"hookEventName": event, "permissionDecision": "deny", "permissionDecisionReason": text}
    answers: dict[tuple[str, str], dict] = {
        # The turn ends where a tool allows that: after a mere denial the model would try, and pay for, the next thing.
        # https://code.claude.com/docs/en/hooks
        ("claude-code", "PreToolUse"): {"continue": False, "stopReason": text, "hookSpecificOutput": deny},
        ("claude-code", "UserPromptSubmit"): {"decision": "block", "reason": text},
        # `continue` here is an error to this tool, and it goes on: https://developers.openai.com/codex/hooks
        ("codex", "PreToolUse"): {"hookSpecificOutput": deny},
        ("codex", "UserPromptSubmit"): {"decision": "block", "reason": text},
        # Claude Code's words: https://qwenlm.github.io/qwen-code-docs/en/users/features/hooks
        ("qwen-code", "PreToolUse"): {"hookSpecificOutput": deny},
        ("qwen-code", "UserPromptSubmit"): {"decision": "block", "reason": text},
        ("grok-build", "PreToolUse"): {"hookSpecificOutput": deny},
        ("grok-build", "UserPromptSubmit"): {"decision": "block", "reason": text},
        # https://geminicli.com/docs/hooks/reference
        ("gemini-cli", "BeforeTool"): {"continue": False, "stopReason": text, "decision": "deny", "reason": text},
        ("gemini-cli", "BeforeAgent"): {"decision": "deny", "reason": text},
        # This tool names no event, and ignores answers to a prompt: https://docs.github.com/en/copilot/reference/hooks-reference
        ("copilot-cli", ""): {"permissionDecision": "deny", "permissionDecisionReason": text},
        # https://cursor.com/docs/hooks
        ("cursor", "preToolUse"): {"permission": "deny", "user_message": text, "agent_message": text},
        ("cursor", "beforeSubmitPrompt"): {"continue": False, "user_message": text},
    }
    return answers.get((tool, event))


def place(folder: str) -> tuple[str, str]:
    """The git folder of the repository around `folder`, which all of its worktrees share, and the branch checked out there. Empty
    where there is none. https://git-scm.com/docs/gitrepository-layout"""
    folder = os.path.realpath(folder)
    while not (head := _text(f"{git_of(folder)}/HEAD")):
        if folder == (folder := os.path.dirname(folder)):
            return "", ""
    git = git_of(folder)
    branch = head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else ""
    return os.path.realpath(os.path.join(git, _text(f"{git}/commondir"))), branch


def git_of(folder: str) -> str:
    """The folder `.git`. In a worktree or a submodule `.git` is a file that names it."""
    git = f"{folder}/.git"
    return os.path.join(folder, _text(git).removeprefix("gitdir: ")) if os.path.isfile(git) else git


def is_unlocked(folder: str, now: float) -> bool:
    """Whether an unlock is in force. The last one counts."""
    lines = _text(f"{folder}/{UNLOCKS}", MOST_BYTES).splitlines()
    return bool(lines) and now < json.loads(lines[-1])["until"]


def usd(micros: int) -> str:
    """`4_120_000` -> `$4.12`, half to even as everywhere."""
    cents = (micros + 4_999 + micros // 10_000 % 2) // 10_000
    return f"${cents // 100:,}.{cents % 100:02}"


def renew(folder: str) -> None:
    """Start a process that computes the figures again. Only one is started, however many hooks run at once."""
    import fcntl  # noqa: PLC0415 (once a minute)

    request = os.open(f"{folder}/{REQUEST}", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(request, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    status = os.fstat(request)
    # The time is read after the lock is taken: another hook may have asked since this one began.
    if not (status.st_size and 0 <= time.time() - status.st_mtime < RENEW_SECONDS):
        os.pwrite(request, b"1", 0)
        push = os.path.join(os.path.dirname(__file__), os.pardir, "hook.py")
        os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-I", "-S", push, folder])  # noqa: S606


def _session(tool: str, event: dict, sessions: dict) -> str:
    """The session as `sessions` has it. Grok Build runs the hooks of Claude Code and of Cursor, too."""
    session_id = event.get("conversation_id") or event.get("session_id") or event.get("sessionId")
    own, of_grok = f"{tool} {session_id}", f"grok-build {session_id}"
    is_grok = tool in ("claude-code", "cursor") and own not in sessions and of_grok in sessions
    return (of_grok if is_grok else own) if session_id else ""


def _folder(event: dict) -> str:
    return event.get("cwd") or event["workspace_roots"][0]


def _text(path: str, most_bytes: int = MOST_GIT_BYTES) -> str:
    """The text of a regular file without surrounding white space; empty where there is none, or one that is too large. What lies
    in `.git` may be a stranger's: a pipe there must not be waited for."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except (OSError, ValueError):  # a NUL in the name
        return ""
    try:
        status = os.fstat(file)
        is_read = stat.S_ISREG(status.st_mode) and status.st_size <= most_bytes
        text = os.fsdecode(os.read(file, status.st_size).strip()) if is_read else ""
    except OSError:
        return ""
    finally:
        os.close(file)
    return "" if "\0" in text else text


if __name__ == "__main__":
    sys.excepthook = lambda *_: os._exit(0)
    main(sys.argv[1], sys.argv[2])
    os._exit(0)
