"""Commands of the server's command line."""
