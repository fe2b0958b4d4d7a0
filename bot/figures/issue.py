"""What an issue cost over its pull requests, as its comment, the report and the API show it."""

from sqlalchemy import Connection

from attribution.issues import IssueCost, issue_cost
from attribution.totals import pull_totals
from bot.figures.breakdown import pull_facts
from bot.keys import IssueKey
from bot.store import issues as issue_store
from bot.store import pulls as pull_store
from bot.store import totals as total_store


def cost_of(connection: Connection, key: IssueKey) -> IssueCost | None:
    """None if Mergecost has not looked at the issue."""
    repository = key.repository
    members = issue_store.with_sub_issues(connection, key)
    if not members:
        return None
    facts = pull_facts(connection, repository, pull_store.serving(connection, repository, members.values()))
    serving = [pull for pull, issues in facts.links.items() if members.keys() & set(issues)]
    totals = pull_totals(total_store.spent_on(connection, repository, serving))
    return issue_cost(key.number, {**facts.issues, **members}, facts.links, totals, facts.details)
