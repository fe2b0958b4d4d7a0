"""What ends a piece of work without being a failure."""


class NotYet(Exception):
    """The work can go on at `at_ms`."""

    def __init__(self, at_ms: int) -> None:
        super().__init__(f"this can go on at {at_ms}")
        self.at_ms = at_ms
