"""How a request stands in a row of the ledger: a column for each field of it, its tokens and its context; the rest is JSON.

A new field of those structs has its column here, and needs a line in a migration.
"""

from typing import Any, get_type_hints

import msgspec

from attribution.usage import NO_WORK, TOKEN_KINDS, TOKENS_NOT_KNOWN, Context, ContextSource, Tokens, Usage, Work
from bot.clock import from_ms, to_ms

# The repository is `repository_id`, the time `at_ms`; the folder never comes here.
_PLAIN = tuple(name for name in Usage.__struct_fields__ if name not in ("at", "tokens", "context", "work", "aliases"))
# NULL where they are not known.
_TOKENS = {f"{kind}_tokens": kind for kind in TOKEN_KINDS}
_CONTEXT = tuple(name for name in Context.__struct_fields__ if name not in ("source", "repository", "cwd"))

COLUMN_TYPES: dict[str, Any] = {
    **{name: get_type_hints(Usage)[name] for name in _PLAIN},
    **dict.fromkeys(_TOKENS, int | None),
    **{name: get_type_hints(Context)[name] for name in _CONTEXT},
    "context_source": str,
}


class _Facts(msgspec.Struct, omit_defaults=True):
    work: Work = NO_WORK
    aliases: tuple[str, ...] = ()


_FACTS = msgspec.json.Decoder(_Facts)


def columns_of(usage: Usage) -> dict[str, Any]:
    """The row of a request, whose `context.repository` is GitHub's id of it."""
    tokens, context = usage.tokens, usage.context
    return {
        **{name: getattr(usage, name) for name in _PLAIN},
        **{name: getattr(tokens, kind) if tokens.is_known else None for name, kind in _TOKENS.items()},
        **{name: getattr(context, name) for name in _CONTEXT},
        "context_source": context.source.value,
        "repository_id": int(context.repository),
        "at_ms": to_ms(usage.at),
        "facts": msgspec.json.encode(_Facts(usage.work, usage.aliases)).decode(),
    }


def usage_of(row: Any) -> Usage:
    """The request in a row."""
    value, facts = row._mapping, _FACTS.decode(row.facts)
    is_known = row.output_tokens is not None
    return Usage(
        **{name: value[name] for name in _PLAIN},
        at=from_ms(row.at_ms),
        tokens=Tokens(**{kind: value[name] for name, kind in _TOKENS.items()}) if is_known else TOKENS_NOT_KNOWN,
        context=Context(
            **{name: value[name] for name in _CONTEXT},
            source=ContextSource(row.context_source),
            repository=str(row.repository_id),
        ),
        work=facts.work,
        aliases=facts.aliases,
    )
