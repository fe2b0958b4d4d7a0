"""The frame of the few pages that the server shows. No script, nothing from another host."""

from html import escape

from fastapi.responses import HTMLResponse

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 42rem; margin: 10vh auto; padding: 0 1.25rem; }
h1 { font-size: 1.6rem; } form { margin: 1.2rem 0; } li { margin: .5rem 0; }
code { font: .9em ui-monospace, monospace; background: color-mix(in srgb, currentColor 10%, transparent);
  padding: .1em .35em; border-radius: 4px; overflow-wrap: anywhere; }
button { font: inherit; font-weight: 600; padding: .5rem 1rem; border: 0; border-radius: 6px; background: #1f883d; color: #fff; }
button.plain { background: color-mix(in srgb, currentColor 12%, transparent); color: inherit; font-weight: 400; }
input { font: inherit; padding: .4rem .6rem; border: 1px solid #8888; border-radius: 6px; }
ol.steps { list-style: none; padding: 0; }
h2 { font-size: 1.15rem; margin-top: 2rem; } dt { font-weight: 600; margin-top: .7rem; } dd { margin: 0; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .5rem; border-bottom: 1px solid #8884; }
th.n, td.n { text-align: right; font-variant-numeric: tabular-nums; }
.warning { border-left: 4px solid #bf8700; padding: .2rem 0 .2rem .9rem; }
"""


def page(title: str, body: str, status: int = 200, form_action: str = "'none'") -> HTMLResponse:
    """A whole page. `body` is HTML whose foreign parts are escaped already; its forms lead to `form_action` alone."""
    html = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>{body}</html>"
    )
    policy = f"default-src 'none'; style-src 'unsafe-inline'; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    return HTMLResponse(html, status, {"Content-Security-Policy": policy, "Cache-Control": "no-store"})
