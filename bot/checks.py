"""What the check run *Mergecost* on a pull request's head commit says: its cost, and with `enforce` the approval that it needs.

It blocks only on a confirmed sum over the budget, never on unknown costs, missing sessions or a failure of the server. In a public
repository it shows no figure, unless the settings say so: whoever can read the repository would read them.
"""

from bot.comment import budget, headline, notes, unconfirmed
from bot.comment.view import CommentView
from bot.github.write_check import CheckText
from bot.markdown import share_of, small
from bot.repository_settings import RepositorySettings

_ELSEWHERE = (
    "What this change cost is not shown in a public repository, unless `check_amounts_on_public` is set. Whoever runs the "
    "Mergecost server sees it in `mergecost report --pull {number}`, and programs with a read token below `/api/v1`."
)


def text(view: CommentView, settings: RepositorySettings, *, private: bool) -> CheckText:
    """In public, sums alone where the settings allow those; suggestions stand in no check run."""
    if not view.cost.total.requests and not view.cost.unconfirmed:
        return _silence(view)
    shows_amounts = private or settings.check_amounts_on_public
    limit = view.cost.budget
    if limit is None or not view.is_enforced or not limit.is_over:
        title = _title(view) if shows_amounts else "Its figures are not shown in public"
        return CheckText("neutral", title, _summary(view, private=private, shows_amounts=shows_amounts))
    title = _title(view) if shows_amounts else "Over its budget"
    summary = _summary(view, private=private, shows_amounts=shows_amounts)
    if limit.needs_approval:
        return CheckText("action_required", f"{title}: needs an approval", summary, limit.spend.priced_micros)
    return CheckText("success", f"{title}: approved", summary)


def _silence(view: CommentView) -> CheckText:
    """Nothing is booked: either nothing was used, or nobody would know."""
    people = view.coverage.people
    if not view.coverage.is_complete:
        return CheckText(
            "neutral", "No AI work is known", "No AI work that reached Mergecost is booked to this change."
        )
    who = "The author of its commits reports" if people == 1 else f"All {people} authors of its commits report"
    return CheckText("neutral", "No AI work", f"{who}, and no AI work is booked to this change.")


def _summary(view: CommentView, *, private: bool, shows_amounts: bool) -> str:
    if not shows_amounts:
        parts = (_ELSEWHERE.format(number=view.cost.number), budget.to_approve(view))
        return "\n\n".join(part for part in parts if part)
    own = notes.render(view) if private else ""
    sections = (headline.render(view), unconfirmed.in_short(view), budget.render(view), own)
    comment = f"[Where it went, and why it counts here]({view.comment_url})" if view.comment_url else ""
    note = small(f"{view.cost.total.basis}. Only what reached Mergecost is counted.")
    return "\n\n".join(part for part in (*sections, comment, note) if part)


def _title(view: CommentView) -> str:
    cost, budget = view.cost.total, view.cost.budget
    if not cost.requests:
        return "No AI work is confirmed"
    if not cost.is_known:
        return cost.note()
    title = f"{headline.amount(view)} {cost.kind_of_price}"
    if budget is None:
        return title
    return f"{title}, {share_of(budget.spend.priced_micros, budget.budget_micros)} of the budget"
