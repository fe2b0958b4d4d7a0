"""How a request stands in the ledger: what the requests of a session have in common once, as its origin, and the rest in a row
of its own.

Every text of a request and its context is a column of the origin, with its repository and day; its tokens are columns of the row,
and what few requests have is JSON. A new field of those structs stands here by itself; a text needs a line in a migration.
"""

from datetime import datetime
from operator import attrgetter
from typing import Any, get_type_hints

import msgspec

from attribution.usage import TOKEN_KINDS, TOKENS_NOT_KNOWN, Context, ContextSource, Tokens, Usage
from bot.clock import DAY_MS, from_ms, to_ms

# NULL where they are not known.
TOKEN_COLUMNS = {f"{kind}_tokens": kind for kind in TOKEN_KINDS}
_TYPES = get_type_hints(Usage)
_TEXTS = tuple(name for name, kind in _TYPES.items() if kind is str and name != "request_id")
# The repository is `repository_id`; the folder never comes here.
_CONTEXT = tuple(name for name in Context.__struct_fields__ if name not in ("source", "repository", "cwd"))
ORIGIN_TEXTS = (*_TEXTS, *_CONTEXT, "context_source")
ORIGIN_COLUMNS = ("repository_id", "utc_day", *ORIGIN_TEXTS)
USAGE_COLUMNS = (*TOKEN_COLUMNS, "at_ms", "request_id", "aliases", "facts")

_ELSEWHERE = (*_TEXTS, "request_id", "aliases", "at", "tokens", "context")
_RARE = tuple(field for field in msgspec.structs.fields(Usage) if field.name not in _ELSEWHERE)
_Facts = msgspec.defstruct(
    "_Facts", [(field.name, _TYPES[field.name], field.default) for field in _RARE], omit_defaults=True
)
_FACTS = msgspec.json.Decoder(_Facts)
_NO_FACTS = _Facts()

# All values at once: this runs for every request.
_TEXTS_OF, _CONTEXT_OF = attrgetter(*_TEXTS), attrgetter(*_CONTEXT)
_TOKENS_OF, _NO_TOKENS = attrgetter(*TOKEN_KINDS), (None,) * len(TOKEN_KINDS)
_RARE_OF = attrgetter(*(field.name for field in _RARE))
_NO_RARE = _RARE_OF(_NO_FACTS)


def origin_of(usage: Usage) -> tuple[Any, ...]:
    """What the request, whose `context.repository` is GitHub's id of it, has in common with its neighbours: the values of
    ORIGIN_COLUMNS."""
    context = usage.context
    return (
        int(context.repository),
        utc_day(usage.at),
        *_TEXTS_OF(usage),
        *_CONTEXT_OF(context),
        context.source.value,
    )


def utc_day(at: datetime) -> int:
    """Since 1970."""
    return to_ms(at) // DAY_MS


def values_of(usage: Usage) -> tuple[Any, ...]:
    """Those of USAGE_COLUMNS. `facts` is empty where there are none."""
    tokens = usage.tokens
    facts = _RARE_OF(usage)
    return (
        *(_TOKENS_OF(tokens) if tokens.is_known else _NO_TOKENS),
        to_ms(usage.at),
        usage.request_id,
        "\n".join(usage.aliases),
        "" if facts == _NO_RARE else msgspec.json.encode(_Facts(*facts)).decode(),
    )


def usage_of(row: Any) -> Usage:
    """The request in a row with its origin."""
    value = row._mapping
    facts = _FACTS.decode(row.facts) if row.facts else _NO_FACTS
    is_known = row.output_tokens is not None
    return Usage(
        **{name: value[name] for name in _TEXTS},
        **{field.name: getattr(facts, field.name) for field in _RARE},
        request_id=row.request_id,
        aliases=tuple(row.aliases.split("\n")) if row.aliases else (),
        at=from_ms(row.at_ms),
        tokens=Tokens(**{kind: value[name] for name, kind in TOKEN_COLUMNS.items()}) if is_known else TOKENS_NOT_KNOWN,
        context=Context(
            **{name: value[name] for name in _CONTEXT},
            source=ContextSource(row.context_source),
            repository=str(row.repository_id),
        ),
    )
