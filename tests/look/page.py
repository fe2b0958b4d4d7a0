"""A page with one comment on it, drawn with GitHub's CSS, in the frame GitHub puts around comments."""

from html import escape
from pathlib import Path

from .gfm import render

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"

# GitHub's colours (https://primer.style/foundations/color), and its choice of a Mermaid theme.
THEMES = {
    "light": {
        "ground": "#ffffff",
        "border": "#d1d9e0",
        "header": "#f6f8fa",
        "muted": "#59636e",
        "link": "#0969da",
        "diagram": "default",
    },
    "dark": {
        "ground": "#0d1117",
        "border": "#3d444d",
        "header": "#151b23",
        "muted": "#9198a1",
        "link": "#4493f8",
        "diagram": "dark",
    },
}

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<!-- No comment may fetch anything here: what another host serves is left blank. -->
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src file: 'unsafe-inline'; script-src file: 'unsafe-inline'">
<title>{title}</title>
<link rel="stylesheet" href="{styles}">
<style>
  body {{ margin: 0 auto; padding: 16px; max-width: 820px; background: {ground} }}
  .box {{ border: 1px solid {border}; border-radius: 6px; overflow: hidden }}
  .bar {{ padding: 8px 16px; border-bottom: 1px solid {border}; background: {header}; color: {muted};
          font: 14px/1.5 -apple-system, BlinkMacSystemFont, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif }}
  .markdown-body {{ padding: 16px; font-size: 14px }}
  .markdown-body a.mention:not([href]) {{ font-weight: 600 }}
  .markdown-body a.reference:not([href]) {{ color: {link} }}
  .markdown-body math-renderer {{ outline: 2px dashed red }}
  .mermaid {{ text-align: center; margin-bottom: 16px }}
</style>
<body>
<div class="box">
<div class="bar"><b>mergecost</b> bot commented</div>
<div class="markdown-body">{body}</div>
</div>
<script src="{mermaid}"></script>
<script>
  // Resolves to the messages of the diagrams that could not be drawn.
  window.drawn = (async () => {{
    mermaid.initialize({{ startOnLoad: false, theme: "{diagram}", securityLevel: "strict" }});
    const failures = [];
    for (const [number, source] of document.querySelectorAll('pre[lang="mermaid"]').entries()) {{
      try {{
        const frame = document.createElement("div");
        frame.className = "mermaid";
        frame.innerHTML = (await mermaid.render("diagram" + number, source.textContent)).svg;
        source.replaceWith(frame);
      }} catch (error) {{
        failures.push(error.message);
      }}
    }}
    return failures;
  }})();
  // Opens or folds all details; the height of the page in CSS pixels.
  window.fold = open => {{
    for (const details of document.querySelectorAll("details")) details.open = open;
    return Math.ceil(document.body.getBoundingClientRect().height);
  }};
</script>
"""


def page(markdown: str, title: str, theme: str) -> str:
    """The HTML page that shows `markdown` as a comment; `theme` is "light" or "dark". Needs FOLDER's packages: `npm_ci(FOLDER)`."""
    return PAGE.format(
        title=escape(title),
        styles=(MODULES / f"github-markdown-css/github-markdown-{theme}.css").as_uri(),
        mermaid=(MODULES / "@mermaid-js/tiny/dist/mermaid.tiny.js").as_uri(),
        body=render(markdown),
        **THEMES[theme],
    )
