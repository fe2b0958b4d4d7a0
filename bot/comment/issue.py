"""The comment on a closed issue: what it cost over all the pull requests that served it."""

from attribution.cost import NOT_KNOWN, ZERO, column
from attribution.issues import IssueCost, IssuePart
from bot.markdown import LONGEST_NAME, count, folded, listed, small, table, text

COLUMNS = ("Pull request", ">Cost", "Why this much")
MOST_ROWS = 50
MOST_UNSEEN = 20


def render_issue(cost: IssueCost, how_url: str) -> str:
    """`how_url` is the page that says how it is counted."""
    parts = (_headline(cost), _silent_pulls(cost), _pulls(cost), _small_print(cost, how_url))
    return "\n\n".join(part for part in parts if part)


def _headline(cost: IssueCost) -> str:
    if not cost.parts:
        return "**No AI work is booked to this issue any more.** What was here counts elsewhere now."
    pulls = len({part.pull_number for part in cost.parts})
    so_far = "" if cost.is_closed else " so far: it was opened again"
    if not cost.total.is_known:
        return f"**AI work on this issue: {cost.total.note()}{so_far}.**"
    over = f"over {count(pulls, 'pull request')}{cost.total.note(', and ')}{so_far}"
    return f"**This issue cost {cost.total.amount}** of AI work {cost.total.kind_of_price}, {over}."


def _silent_pulls(cost: IssueCost) -> str:
    if not cost.unseen:
        return ""
    rest = ["others"] if len(cost.unseen) > MOST_UNSEEN else []
    names = listed([*(f"#{number}" for number in cost.unseen[:MOST_UNSEEN]), *rest])
    return f"Of {count(len(cost.unseen), 'more pull request')} no AI work reached us: {names}. That is {NOT_KNOWN}, not $0."


def _pulls(cost: IssueCost) -> str:
    if len(cost.parts) < 2 and all(part.issues == 1 and part.through is None for part in cost.parts):
        return f"It was #{cost.parts[0].pull_number}, {text(cost.parts[0].title, LONGEST_NAME)}." if cost.parts else ""
    first, rest = cost.parts[:MOST_ROWS], cost.parts[MOST_ROWS:]
    names = [(f"#{part.pull_number} {text(part.title, LONGEST_NAME)}", _why(part)) for part in first]
    costs = [part.cost for part in first]
    if rest:
        names.append((f"{len(rest)} more", ""))
        costs.append(sum((part.cost for part in rest), ZERO))
    rows = [(name, amount, why) for (name, why), amount in zip(names, column(costs), strict=True)]
    rows.append(("**All**", f"**{cost.total.show()}**", ""))
    return folded("Its pull requests", table(COLUMNS, rows))


def _why(part: IssuePart) -> str:
    """How much of the pull request this is, where it is not all of it."""
    reasons = [f"closes #{part.through}, below this issue"] if part.through else []
    if part.issues > 1:
        reasons.append(f"{part.pull_cost.show()}, shared between {part.issues} issues")
    return "; ".join(reasons) or "all of it"


def _small_print(cost: IssueCost, how_url: str) -> str:
    return small(f"{cost.total.basis}: plans and discounts are not in it. [How it is counted]({how_url})")
