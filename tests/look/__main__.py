"""Renders Markdown files as GitHub comments: an HTML page for each theme, a PNG for each theme, width and fold."""

import argparse
import base64
import sys
from pathlib import Path

from tests.node import NodeMissing, npm_ci

from .chromium import Chromium, ChromiumError, start
from .page import FOLDER, THEMES, page

# Width in CSS pixels (the frame is 820 on the desktop), and device pixels to each of them.
SCREENS = {"desktop": (852, 1), "phone": (390, 2)}
FOLDS = {"folded": False, "open": True}


def shoot(browser: Chromium, html: Path, name: str) -> list[str]:
    """Writes `name`-SCREEN-FOLD.png beside the page; gives the messages of the diagrams that could not be drawn."""
    failures: list[str] = []
    for screen, (width, scale) in SCREENS.items():
        browser.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=scale, mobile=False
        )
        # Mermaid measures its texts in the window, so each width draws its own.
        browser.open(html.resolve().as_uri())
        failures += [f"{screen}: {message}" for message in browser.evaluate("drawn")]
        for fold, is_open in FOLDS.items():
            height = browser.evaluate(f"fold({'true' if is_open else 'false'})")
            shot = browser.call(
                "Page.captureScreenshot",
                captureBeyondViewport=True,
                clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1},
            )
            (html.parent / f"{name}-{screen}-{fold}.png").write_bytes(base64.b64decode(shot["data"]))
    return failures


def look(files: list[Path], out: Path) -> list[str]:
    """Renders every file into `out`; gives what went wrong inside the pages, a line each."""
    npm_ci(FOLDER)
    out.mkdir(parents=True, exist_ok=True)
    problems: list[str] = []
    with start() as browser:
        for file in files:
            markdown = file.read_text(encoding="utf-8")
            for theme in THEMES:
                name = f"{file.stem}-{theme}"
                html = out / f"{name}.html"
                html.write_text(page(markdown, file.stem, theme), encoding="utf-8")
                problems += [f"{file}: diagram not drawn: {theme}, {text}" for text in shoot(browser, html, name)]
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.look", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.md")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    options = parser.parse_args()
    if len({file.stem for file in options.files}) < len(options.files):
        parser.error("two files have the same name: their pictures would overwrite each other")
    try:
        problems = look(options.files, options.out)
    except (ChromiumError, NodeMissing, OSError, UnicodeDecodeError) as error:
        problems = [str(error)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
