"""The faults that the server must survive, by number, and the tests that name them. `test_faults.py` checks that they exist.

Where a fault is of the database, its tests run on SQLite and PostgreSQL.
"""

from typing import NamedTuple


class Fault(NamedTuple):
    """`tests` are `file::function` below `tests/`; several with a common beginning are named by it."""

    what: str
    tests: tuple[str, ...]


_DATABASE, _GITHUB, _CLOCK, _MACHINE = (
    f"test_fault_{name}.py::test_" for name in ("database", "github", "clock", "machine")
)
_PUBLISH, _WEEK, _USAGE = "test_publish_story.py::test_", "test_week_story.py::test_", "webhooks/test_usage.py::test_"
_HOOK, _QUEUE, _ACCOUNT = (
    "webhooks/test_github.py::test_",
    "bot/work/test_queue.py::test_",
    "test_account_story.py::test_",
)

FAULTS: dict[int, Fault] = {
    1: Fault("one delivery 50 times to two replicas", (f"{_DATABASE}deliveries_of_one_event_to_two_replicas",)),
    2: Fault("deliveries in any order", ("test_arrival_story.py::test_whatever_order_logs_and_deliveries_arrive",)),
    3: Fault("database locked during a webhook", (f"{_DATABASE}a_lock_that_another_program_holds",)),
    4: Fault("killed between commit and claim", (f"{_MACHINE}what_was_acknowledged_is_there_after_sigkill",)),
    5: Fault("killed between creating a comment and storing its id", ("test_crash_story.py::test_killed_between",)),
    6: Fault("comment created, 502 answered", (f"{_PUBLISH}a_comment_that_was_created_with_an_error",)),
    7: Fault("comment created, answer lost", (f"{_PUBLISH}a_comment_whose_answer_was_lost",)),
    8: Fault("two replicas write one comment", (f"{_PUBLISH}two_replicas_make_one_comment",)),
    9: Fault("a worker paused past its lease", (f"{_PUBLISH}a_worker_that_sleeps_past_its_lease",)),
    10: Fault(
        "primary limit", (f"{_PUBLISH}a_limit_is_waited_for", f"{_QUEUE}a_limited_account_waits_and_others_do_not")
    ),
    11: Fault("secondary limit with retry-after", (f"{_GITHUB}the_pauses_of_a_secondary_limit_double",)),
    12: Fault(
        "secondary limit without headers; too many writes",
        (f"{_GITHUB}the_pauses_of_a_secondary_limit_double", f"{_GITHUB}no_hour_has_more_than_500_writes"),
    ),
    13: Fault(
        "token revoked, installation suspended or gone",
        (
            f"{_PUBLISH}an_expired_token_is_replaced",
            f"{_GITHUB}a_suspension_that_no_delivery_told_of",
            f"{_PUBLISH}an_uninstalled_app_does_nothing_more",
        ),
    ),
    14: Fault(
        "comment deleted, conversation locked, 404 that passes",
        (
            f"{_PUBLISH}a_deleted_comment_stays_deleted",
            f"{_PUBLISH}a_locked_conversation",
            f"{_GITHUB}an_odd_answer_to_a_write",
        ),
    ),
    15: Fault("ours on the third page, a copied marker", (f"{_PUBLISH}our_comment_is_found_on_any_page",)),
    16: Fault(
        "down for six hours, every delivery lost",
        (f"{_GITHUB}after_six_hours_of_downtime", f"{_GITHUB}a_delivery_that_fails_again"),
    ),
    17: Fault("down for six days", (f"{_GITHUB}after_six_days_of_downtime",)),
    18: Fault("bodies of 24 and 26 MB", (f"{_HOOK}the_body_is_capped",)),
    19: Fault(
        "three replicas, and none, over a week's boundary",
        (f"{_WEEK}three_replicas_make_one", f"{_WEEK}all_down_over_the_boundary"),
    ),
    20: Fault("daylight saving, ISO weeks", (f"{_WEEK}daylight_saving_and_the_turn_of_the_year",)),
    21: Fault(
        "clock set back and forth, a stuck loop",
        (
            f"{_CLOCK}a_clock_set_back_two_hours_stops_no_writes",
            f"{_CLOCK}the_worker_begins_anew_when_its_clock_was_set_back",
            f"{_CLOCK}a_clock_set_forward_does_nothing_twice",
            f"{_WEEK}a_clock_that_jumps_back_and_forth",
            "webhooks/test_health.py::test_a_loop_that_is_stuck",
        ),
    ),
    22: Fault(
        "batches resent, halves overlapping, two replicas",
        (f"{_DATABASE}batches_from_eight_writers", f"{_USAGE}requests_seen_through_several_doors_are_charged_once"),
    ),
    23: Fault(
        "acknowledged, then SIGKILL or a power cut",
        (
            f"{_MACHINE}what_was_acknowledged_is_there_after_sigkill",
            f"{_DATABASE}an_acknowledgement_waits_for_the_disk",
            "bot/store/test_database.py::test_what_was_acknowledged_is_on_the_disk",
        ),
    ),
    24: Fault("disk full", (f"{_DATABASE}a_full_disk_acknowledges_nothing",)),
    25: Fault("SQLite busy", (f"{_DATABASE}a_lock_that_another_program_holds",)),
    26: Fault(
        "PostgreSQL restarted, connections ended, stalled; the worker's start among it",
        (
            f"{_DATABASE}connections_that_the_server_ended_are_replaced",
            f"{_DATABASE}a_connection_that_ends_within_a_transaction",
            f"{_DATABASE}a_database_that_is_away_is_a_503",
            f"{_DATABASE}a_database_that_stalls_is_a_503",
            "webhooks/test_health.py::test_a_worker_that_fails_at_its_start",
        ),
    ),
    27: Fault(
        "too many wait for the writer",
        (f"{_DATABASE}too_many_that_wait", f"{_DATABASE}a_pool_without_a_free_connection"),
    ),
    28: Fault("GitHub down for 43 minutes and six hours", (f"{_GITHUB}an_outage_of_github_loses_nothing",)),
    29: Fault(
        "hostile batches and numbers",
        (
            f"{_USAGE}whatever_a_record_holds",
            f"{_HOOK}a_signed_body_that_is_no_event",
            f"{_DATABASE}an_error_that_nobody_expected",
        ),
    ),
    30: Fault(
        "tenants: transfer, installed again, strangers",
        (
            f"{_ACCOUNT}a_repository_that_is_transferred",
            f"{_ACCOUNT}after_uninstall_and_reinstall",
            f"{_USAGE}installations_are_strangers",
        ),
    ),
    31: Fault(
        "a migration cut off; a newer, foreign, damaged or read-only database",
        (
            f"{_DATABASE}a_migration_that_is_cut_off",
            f"{_DATABASE}a_newer_database_is_refused",
            f"{_DATABASE}a_database_that_",
            f"{_MACHINE}a_server_that_cannot_start",
        ),
    ),
    32: Fault(
        "SIGTERM under load and beside a silent GitHub", (f"{_MACHINE}what_was_acknowledged_is_there_after_sigkill",)
    ),
    33: Fault("a repository is made public", (f"{_WEEK}a_repository_that_is_made_public",)),
    34: Fault("secrets in the open", (f"{_USAGE}a_revoked_token_is_refused_and_no_token_is_kept_in_the_open",)),
    35: Fault("keys in any order from eight writers", (f"{_DATABASE}batches_from_eight_writers",)),
}
