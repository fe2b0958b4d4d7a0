"""The comment on a closed issue: what it cost over all the pull requests that served it."""

from attribution.issues import IssueCost, IssuePart
from attribution.money import cents_that_sum, show, show_cents, to_cents
from bot.comment.small_print import HOW
from bot.markdown import LONGEST_NAME, count, folded, small, table, text

COLUMNS = ("Pull request", ">Cost", "Why this much")
MOST_ROWS = 50
MOST_UNSEEN = 20


def render_issue(cost: IssueCost) -> str:
    parts = (_headline(cost), _unseen(cost), _pulls(cost), _small_print())
    return "\n\n".join(part for part in parts if part)


def _headline(cost: IssueCost) -> str:
    if not cost.parts:
        return "**No AI work is booked to this issue any more.** What was here counts elsewhere now."
    pulls = len({part.pull_number for part in cost.parts})
    so_far = "" if cost.is_closed else " so far: it was opened again"
    if not cost.micros:
        return f"**This issue cost an amount that we do not know**{so_far}: {count(cost.unpriced_requests, 'request')}."
    more = ", and more at a price we do not know" if cost.unpriced_requests else ""
    return f"**This issue cost {show(cost.micros)}** of AI work at list price, over {count(pulls, 'pull request')}{more}{so_far}."


def _unseen(cost: IssueCost) -> str:
    if not cost.unseen:
        return ""
    names = ", ".join(f"#{number}" for number in cost.unseen[:MOST_UNSEEN])
    return (
        f"Of {count(len(cost.unseen), 'more pull request')} no AI work reached us: {names}. That is not known, not $0."
    )


def _pulls(cost: IssueCost) -> str:
    if len(cost.parts) < 2 and all(part.issues == 1 and part.through is None for part in cost.parts):
        return f"It was #{cost.parts[0].pull_number}, {text(cost.parts[0].title, LONGEST_NAME)}." if cost.parts else ""
    cents = cents_that_sum([part.micros for part in cost.parts])
    rows = [
        (f"#{part.pull_number} {text(part.title, LONGEST_NAME)}", _shown(part, amount), _why(part))
        for part, amount in zip(cost.parts, cents, strict=True)
    ]
    shown, hidden = rows[:MOST_ROWS], cents[MOST_ROWS:]
    if hidden:
        shown.append((f"{len(hidden)} more", show_cents(sum(hidden)), ""))
    shown.append(("**All**", f"**{show_cents(to_cents(cost.micros)) if cost.micros else 'not known'}**", ""))
    return folded("Its pull requests", table(COLUMNS, shown))


def _shown(part: IssuePart, cents: int) -> str:
    return show_cents(cents) if part.micros or not part.unpriced_requests else "not known"


def _why(part: IssuePart) -> str:
    """How much of the pull request this is, where it is not all of it."""
    reasons = [f"closes #{part.through}, below this issue"] if part.through else []
    if part.issues > 1:
        reasons.append(f"{show(part.pull_micros)}, shared between {part.issues} issues")
    return "; ".join(reasons) or "all of it"


def _small_print() -> str:
    return small(
        "List price of the day for the tokens used, not an invoice: plans and discounts are not in it. "
        f"[How it is counted]({HOW})"
    )
