"""How long a test waits for another process or thread."""

# Nothing takes as long on the busiest machine. It only ends a test that would wait for ever.
DEADLOCK_SECONDS = 300
