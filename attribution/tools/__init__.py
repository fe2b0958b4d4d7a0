"""The AI tools whose logs can be read: a module each, listed here."""

from attribution.tools import (
    aider,
    amp,
    claude_code,
    cline,
    codex,
    continue_cli,
    copilot_cli,
    cursor,
    factory_droid,
    gemini_cli,
    goose,
    grok_build,
    kilo_code,
    kimi_code,
    kiro,
    opencode,
    pi,
    qwen_code,
    roo_code,
    vscode_copilot_chat,
    windsurf,
    zed,
)
from attribution.tools.log import Beside, JsonDocument, JsonLines, LogRead, Source, Sqlite, Tool

__all__ = ["TOOLS", "Beside", "JsonDocument", "JsonLines", "LogRead", "Source", "Sqlite", "Tool", "title"]

TOOLS: dict[str, Tool] = {
    aider.NAME: aider,
    amp.NAME: amp,
    claude_code.NAME: claude_code,
    cline.NAME: cline,
    codex.NAME: codex,
    continue_cli.NAME: continue_cli,
    copilot_cli.NAME: copilot_cli,
    cursor.NAME: cursor,
    factory_droid.NAME: factory_droid,
    gemini_cli.NAME: gemini_cli,
    goose.NAME: goose,
    grok_build.NAME: grok_build,
    kilo_code.NAME: kilo_code,
    kimi_code.NAME: kimi_code,
    kiro.NAME: kiro,
    opencode.NAME: opencode,
    pi.NAME: pi,
    qwen_code.NAME: qwen_code,
    roo_code.NAME: roo_code,
    vscode_copilot_chat.NAME: vscode_copilot_chat,
    windsurf.NAME: windsurf,
    zed.NAME: zed,
}


def title(name: str) -> str:
    """A tool as its makers write it; of one that is not known here, the words of its name."""
    tool = TOOLS.get(name)
    return tool.TITLE if tool else " ".join(word.capitalize() for word in name.split("-"))
