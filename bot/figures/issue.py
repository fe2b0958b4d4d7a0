"""What an issue cost over its pull requests, as its comment, the report and the API show it."""

from sqlalchemy import Connection

from attribution.issues import IssueCost, family, issue_cost
from attribution.totals import pull_totals
from bot.figures.breakdown import pull_facts
from bot.keys import IssueKey
from bot.store import totals as total_store


def cost_of(connection: Connection, key: IssueKey) -> IssueCost | None:
    """None if Mergecost has not looked at the issue."""
    facts = pull_facts(connection, key.repository)
    if key.number not in facts.issues:
        return None
    members = set(family(key.number, facts.issues))
    serving = [pull for pull, issues in facts.links.items() if members.intersection(issues)]
    totals = pull_totals(total_store.spent_on(connection, key.repository, serving))
    return issue_cost(key.number, facts.issues, facts.links, totals, facts.details)
