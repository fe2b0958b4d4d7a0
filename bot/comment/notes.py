"""What the figure rests on and what it lacks, before anybody asks."""

from attribution.cost import PRICE_NOT_KNOWN, column
from attribution.outcome import State
from attribution.tools import title
from bot.comment.view import CommentView
from bot.markdown import LONGEST_NAME, code, count, listed, phrase, text

_MOST_TOOLS = 10


def render(view: CommentView) -> str:
    return "\n\n".join(
        line
        for line in (_outcome(view), _stages(view), _coverage(view), _unpriced(view), _settings(view), _weekly(view))
        if line
    )


def _outcome(view: CommentView) -> str:
    """What became of it, once that is settled."""
    outcome = view.outcome
    if outcome is None or not view.cost.total.requests:
        return ""
    if outcome.state == State.REVERTED:
        return f"Reverted by #{outcome.by} on {outcome.at:%-d %b %Y}: what it cost shipped nothing."
    if outcome.state == State.SURVIVING:
        return f"Merged on {outcome.at:%-d %b %Y}, and not reverted in {count(view.survival_days, 'day')}: it survived."
    return ""


def _stages(view: CommentView) -> str:
    """How much of it was building, reviewing and running in CI, where there was more than building."""
    cost = view.cost
    if not cost.review.requests and not cost.ci.requests:
        return ""
    stages = (cost.build, cost.review, cost.ci)
    cells = zip(("build", "review", "CI"), stages, column(stages), strict=True)
    line = " · ".join(f"{name} {amount}" for name, stage, amount in cells if stage.requests)
    return line[0].upper() + line[1:]


def _coverage(view: CommentView) -> str:
    cost = view.cost
    if not cost.total.requests:
        return ""
    rest = [count(len(cost.tools) - _MOST_TOOLS, "more tool")] if len(cost.tools) > _MOST_TOOLS else []
    tools = listed([*(text(title(tool), LONGEST_NAME) for tool in cost.tools[:_MOST_TOOLS]), *rest])
    requests = count(cost.total.requests, "request")
    if cost.details_from is not None:
        since = f"{cost.details_from:%-d %B %Y}"
        return (
            f"Seen: {requests} of {tools}{_reporting(view)}. "
            f"Of single sessions details are kept since {since}; the figures are of all."
        )
    return f"Seen: {count(len(cost.sessions), 'session')} of {tools}, {requests}{_reporting(view)}."


def _reporting(view: CommentView) -> str:
    """Of how many people who wrote its commits anything reaches us. Counted, never named."""
    people, seen_people = view.coverage.people, view.coverage.seen_people
    if not people:
        return ""
    if people == seen_people:
        return "; the author of its commits reports" if people == 1 else f"; all {people} authors of its commits report"
    if not seen_people:
        whose = "the author of its commits does not report"
        return f"; {whose}" if people == 1 else f"; none of the {people} authors of its commits reports"
    return f"; {seen_people} of the {people} authors of its commits {'reports' if seen_people == 1 else 'report'}"


def _unpriced(view: CommentView) -> str:
    cost = view.cost
    if not cost.total.unpriced_requests:
        return ""
    models = listed([code(model) if model else "a model that is not known" for model in cost.unpriced_models[:5]])
    return f"{PRICE_NOT_KNOWN.capitalize()}: {models}."


def _settings(view: CommentView) -> str:
    problem = phrase(view.settings_problem)
    return f"Settings not applied: {problem}. The defaults hold meanwhile." if problem else ""


def _weekly(view: CommentView) -> str:
    return f"No weekly issue is made: {phrase(view.weekly_problem)}." if view.weekly_problem else ""
