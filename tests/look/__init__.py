"""Look at Markdown the way GitHub shows it: `python -m tests.look FILE.md [...] --out DIR`."""
