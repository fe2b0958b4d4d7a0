"""Parts of our comment, as a story looks at them."""

from tests.world import World


def why(world: World, number: int) -> list[str]:
    """Of each session in the comment: what it cost here, and why it counts."""
    section = world.comment(number).partition("why they count here")[2].partition("A session in the wrong")[0]
    lines = [line for line in section.splitlines() if line.startswith("- **")]
    return [line.split("**")[1] + ": " + line.partition(": ")[2] for line in lines]


def may_belong(world: World, number: int) -> list[str]:
    """What the comment offers to link."""
    offered = world.comment(number).partition("may belong</summary>")[2].partition("</details>")[0]
    return [line for line in offered.splitlines() if line.startswith("- **")]
