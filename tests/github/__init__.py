"""A stateful stand-in for GitHub's REST API: `from tests.github.fake import FakeGitHub`."""
