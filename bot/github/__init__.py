"""GitHub: the client, what is read from it, and what is written to it."""
