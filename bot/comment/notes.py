"""What the figure rests on and what it lacks, said before anybody asks."""

from attribution.money import cents_that_sum, show_cents
from bot.comment.view import CommentView, tool_title
from bot.markdown import code, count, phrase, text


def render(view: CommentView) -> str:
    return "\n\n".join(line for line in (_stages(view), _seen(view), _unpriced(view), _settings(view)) if line)


def _stages(view: CommentView) -> str:
    """How much of it was building and how much reviewing, where there was both."""
    cost = view.cost
    if not cost.review_micros:
        return ""
    build, review = (
        show_cents(cents) for cents in cents_that_sum([cost.micros - cost.review_micros, cost.review_micros])
    )
    return f"Build {build} · review {review}"


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
