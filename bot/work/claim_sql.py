"""The statement that claims work: it looks at the first few pieces of each account and kind, however many wait."""

from sqlalchemy import text

from bot.work.kinds import WRITERS

# Of each account the oldest work of each kind before the second of any, and then of all accounts first what is first in its own: a
# long queue delays no other account and no other kind. Of the kinds that write, one worker at a time has some of an account:
# others would only wait for its turn. The next account and the next kind are each a step in the index `job_waiting`, and so are
# what nobody has and what somebody had who is gone: ranking all that waits would take longer the more it is.
_CLAIM = """
    WITH RECURSIVE waiting (account_id) AS (
        SELECT min(account_id) FROM job WHERE done_count < request_count
        UNION ALL
        SELECT (SELECT min(job.account_id) FROM job
                WHERE job.done_count < job.request_count AND job.account_id > waiting.account_id)
        FROM waiting WHERE account_id IS NOT NULL),
    ready AS MATERIALIZED (
        SELECT waiting.account_id,
            coalesce(account.next_write_at_ms, 0) <= :turn AND NOT waiting.account_id {in_writing} AS may_write,
            account.account_id IS NULL OR (account.installation_id <> 0 AND NOT account.suspended) AS has_installation
        FROM waiting LEFT JOIN account USING (account_id)
        WHERE waiting.account_id IS NOT NULL AND coalesce(account.not_before_ms, 0) <= :now
          AND NOT waiting.account_id {in_busy}),
    lane (account_id, kind) AS (
        SELECT account_id, (SELECT min(job.kind) FROM job
                            WHERE job.done_count < job.request_count AND job.account_id = ready.account_id)
        FROM ready
        UNION ALL
        SELECT account_id, (SELECT min(job.kind) FROM job
                            WHERE job.done_count < job.request_count AND job.account_id = lane.account_id
                              AND job.kind > lane.kind)
        FROM lane WHERE kind IS NOT NULL),
    free AS MATERIALIZED (
        SELECT account_id, kind FROM lane JOIN ready USING (account_id)
        WHERE kind IS NOT NULL AND (kind = 'account' OR has_installation)
          AND (kind NOT IN {writers} OR (may_write AND (
              SELECT 1 FROM job WHERE job.done_count < job.request_count AND job.account_id = lane.account_id
                AND job.kind IN {writers} AND job.lease_until_ms > :now LIMIT 1) IS NULL))),
    ranked AS MATERIALIZED (
        SELECT free.account_id, free.kind, job.repository_id, job.number, job.run_at_ms, row_number() OVER (
            PARTITION BY free.account_id, free.kind ORDER BY job.run_at_ms, job.repository_id, job.number) AS place_in_kind
        FROM free {first_few}),
    placed AS MATERIALIZED (
        SELECT account_id, kind, repository_id, number, run_at_ms, row_number() OVER (
            PARTITION BY account_id ORDER BY place_in_kind, run_at_ms, kind, repository_id, number) AS place
        FROM ranked WHERE place_in_kind <= :few),
    first AS MATERIALIZED (
        SELECT account_id, kind, repository_id, number FROM placed WHERE place <= :few
        ORDER BY place, run_at_ms, account_id LIMIT :limit),
    due AS MATERIALIZED (SELECT account_id, kind, repository_id, number FROM first {locked})
    UPDATE job SET lease_until_ms = :until, token = token + 1, attempts = attempts + 1
    FROM due WHERE job.account_id = due.account_id AND job.kind = due.kind AND job.repository_id = due.repository_id
      AND job.number = due.number
    RETURNING job.kind, job.account_id, job.repository_id, job.number, job.request_count, job.token, job.attempts"""
_FEW = """
    SELECT {columns} FROM (
        SELECT {columns} FROM job
        WHERE done_count < request_count AND account_id = free.account_id AND kind = free.kind AND lease_until_ms = 0
          AND run_at_ms <= :now
        ORDER BY run_at_ms, repository_id, number LIMIT :few) AS unclaimed
    UNION ALL
    SELECT {columns} FROM (
        SELECT {columns} FROM job
        WHERE done_count < request_count AND account_id = free.account_id AND kind = free.kind AND lease_until_ms > 0
          AND lease_until_ms <= :now AND run_at_ms <= :now
        ORDER BY lease_until_ms, run_at_ms, repository_id, number LIMIT :few) AS left_behind"""
_WRITERS = tuple(kind.value for kind in WRITERS)
CLAIM_ON_SQLITE = text(
    _CLAIM.format(
        writers=_WRITERS,
        in_busy="IN (SELECT value FROM json_each(:busy))",
        in_writing="IN (SELECT value FROM json_each(:writing))",
        first_few=f"JOIN job ON job.rowid IN ({_FEW.format(columns='rowid')})",
        locked="",
    )
)
CLAIM_ON_POSTGRESQL = text(
    _CLAIM.format(
        writers=_WRITERS,
        in_busy="= ANY (CAST(:busy AS bigint[]))",
        in_writing="= ANY (CAST(:writing AS bigint[]))",
        first_few=f"CROSS JOIN LATERAL ({_FEW.format(columns='run_at_ms, repository_id, number')}) AS job",
        locked="""CROSS JOIN LATERAL (
            SELECT 1 FROM job WHERE job.account_id = first.account_id AND job.kind = first.kind
              AND job.repository_id = first.repository_id AND job.number = first.number
              AND job.done_count < job.request_count AND job.lease_until_ms <= :now
            LIMIT 1 FOR UPDATE SKIP LOCKED) AS locked""",
    )
)
