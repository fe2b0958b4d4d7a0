"""`GET /download`: how a developer gets the client, and `GET /download/mergecost-VERSION-py3-none-any.whl`: the client."""

from html import escape

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.responses import PlainTextResponse, Response

from webhooks.edge import edge_of
from webhooks.pages import page
from webhooks.wheel import wheel

router = APIRouter(include_in_schema=False)


@router.get("/download")
async def instructions(request: Request) -> HTMLResponse:
    """Three lines, with the addresses of this server."""
    edge = edge_of(request)
    own = await edge.in_thread(wheel)
    address = escape(edge.settings.public_url)
    file = f"{address}/download/{own.name}"
    body = f"""
<p>On a developer's machine, with Python 3.11 or newer:</p>
<ol>
<li><code>pipx install {file}</code><br>or <code>uv tool install {file}</code></li>
<li><code>mergecost login {address}</code><br>pairs the machine by a login on GitHub, shows what would be sent, and asks first.</li>
<li><code>mergecost hooks install</code><br>sends what is new by itself, when a session of an AI tool ends.</li>
</ol>
<p>Numbers, ids, times and names leave the machine, and only of repositories that the App is installed on. Never a prompt, an
answer, a diff or a command. <code>mergecost</code> alone says what the work in a clone cost, and sends nothing;
<code>mergecost doctor</code> says what does not work.</p>"""
    return page("Mergecost on your machine", body)


@router.get("/download/{name}")
async def client(request: Request, name: str) -> Response:
    """Of this version alone: what fits another server is there."""
    own = await edge_of(request).in_thread(wheel)
    if name != own.name:
        return PlainTextResponse(f"this server hands out {own.name}\n", 404)
    headers = {"Content-Disposition": f'attachment; filename="{own.name}"', "Cache-Control": "no-cache"}
    return Response(own.content, media_type="application/octet-stream", headers=headers)
