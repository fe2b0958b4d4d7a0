"""The part that runs on a developer's machine: it reads the logs of AI tools and sends numbers, never words."""
