"""What the figure rests on and what it lacks, said before anybody asks."""

from attribution.money import cents_that_sum, show_cents
from attribution.outcome import State
from bot.comment.view import CommentView, tool_title
from bot.markdown import code, count, phrase, text


def render(view: CommentView) -> str:
    return "\n\n".join(
        line for line in (_outcome(view), _stages(view), _seen(view), _unpriced(view), _settings(view)) if line
    )


def _outcome(view: CommentView) -> str:
    """What became of it, once that is settled."""
    ended = view.outcome
    if ended is None or not view.cost.requests:
        return ""
    if ended.state == State.REVERTED:
        return f"Reverted by #{ended.by} on {ended.at:%-d %b %Y}: what it cost shipped nothing."
    if ended.state == State.SURVIVING:
        return f"Merged on {ended.at:%-d %b %Y}, and not reverted in {count(view.survival_days, 'day')}: it survived."
    return ""


def _stages(view: CommentView) -> str:
    """How much of it was building, reviewing and running in CI, where there was more than building."""
    cost = view.cost
    if not cost.review_micros and not cost.ci_micros:
        return ""
    amounts = (cost.micros - cost.review_micros - cost.ci_micros, cost.review_micros, cost.ci_micros)
    named = zip(("build", "review", "CI"), cents_that_sum(amounts), amounts, strict=True)
    line = " · ".join(f"{name} {show_cents(cents)}" for name, cents, micros in named if micros)
    return line[0].upper() + line[1:]


def _seen(view: CommentView) -> str:
    cost = view.cost
    if not cost.requests:
        return ""
    tools = " and ".join(text(tool_title(tool)) for tool in cost.tools)
    return f"Seen: {count(len(cost.sessions), 'session')} of {tools}, {count(cost.requests, 'request')}."


def _unpriced(view: CommentView) -> str:
    cost = view.cost
    if not cost.unpriced_requests:
        return ""
    models = ", ".join(code(model) if model else "a model that is not known" for model in cost.unpriced_models[:5])
    are, their = ("is", "its") if cost.unpriced_requests == 1 else ("are", "their")
    requests = count(cost.unpriced_requests, "request")
    return f"{requests} to {models} {are} in no amount here: {their} list price is not known."


def _settings(view: CommentView) -> str:
    problem = phrase(view.settings_problem)
    return f"Settings not applied: {problem}. The defaults hold meanwhile." if problem else ""
