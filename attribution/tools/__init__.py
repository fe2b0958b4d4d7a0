"""The AI tools whose logs can be read: a module each, listed here."""

from attribution.tools import claude_code, codex
from attribution.tools.log import Beside, JsonDocument, JsonLines, LogRead, Source, Sqlite, Tool, unique

__all__ = ["TOOLS", "Beside", "JsonDocument", "JsonLines", "LogRead", "Source", "Sqlite", "Tool", "unique"]

TOOLS: dict[str, Tool] = {
    claude_code.NAME: claude_code,
    codex.NAME: codex,
}
