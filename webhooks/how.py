"""`GET /how`: how figures are counted, for whoever reads a comment or a weekly issue. Plain words, and one example."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from webhooks.pages import page

router = APIRouter()

_BODY = """
<p>Mergecost says what the AI work behind a change cost. Every figure is a sum of single requests to AI models, and each request
is counted once, in one place.</p>

<h2>What one request costs</h2>
<p>A developer's AI tool sends text to a model and gets text back. Both are measured in tokens, and the model's vendor has a price
for a million of them. Text that the model has seen a moment before is read from a cache, at a tenth of the price or less.</p>
<table>
<tr><th>Example: Claude Opus 4.5</th><th class=n>Tokens</th><th class=n>Price of a million</th><th class=n>Cost</th></tr>
<tr><td>New input</td><td class=n>2,000</td><td class=n>$5.00</td><td class=n>$0.0100</td></tr>
<tr><td>Read from cache</td><td class=n>90,000</td><td class=n>$0.50</td><td class=n>$0.0450</td></tr>
<tr><td>Written to cache</td><td class=n>4,000</td><td class=n>$6.25</td><td class=n>$0.0250</td></tr>
<tr><td>Output</td><td class=n>800</td><td class=n>$25.00</td><td class=n>$0.0200</td></tr>
<tr><th>This request</th><th></th><th></th><th class=n>$0.1000</th></tr>
</table>
<p>Forty such requests, some longer and some shorter, make a session of $4.00. Three quarters of it were made on the branch of one
pull request and a quarter on another's: the first says $3.00 and the second $1.00. Nothing is counted twice, and nothing is left
over.</p>

<h2>What kind of money it is</h2>
<p>It is the <b>list price</b> of the day for the tokens used, and not an invoice. Plans, discounts and credits are not in it. Use
it to compare one change with another and one week with the next; what you pay, the vendor's invoice says. Where a model has no
known price, the figure says so, and no zero stands in its place. An amount with † is the tool's own figure, because no list price
is known.</p>

<h2>Which change a request belongs to</h2>
<p>The strongest evidence decides, in this order: a person's word in a comment; a commit that the session made and the pull
request holds; the author's next commit of the files that the session had edited; the branch that it worked on at that time; files
in common with the pull request. What fits nothing is booked to no change, and stands in a row of its own in the weekly issue.
Each comment names its sessions with the reason, and a comment like <code>/mergecost unlink 1f2e3d</code> or <code>/mergecost link
1f2e3d</code> corrects it.</p>

<h2>What the words mean</h2>
<dl>
<dt>Usual here</dt><dd>The middle half of what this repository's merges of the last twelve weeks cost: a quarter cost less, a
quarter more. It is there from ten merges on.</dd>
<dt>At least</dt><dd>Not everybody who wrote commits of the change sends usage here. What the others used is not known.</dd>
<dt>A merge cost</dt><dd>What a merged pull request cost in its whole life, building, reviews and CI, also in the weeks
before.</dd>
<dt>Surviving</dt><dd>Merged, and not reverted within fourteen days (a setting).</dd>
<dt>Shipped nothing</dt><dd>Work on pull requests that were closed, left alone for a month, or reverted, and work that fits no
pull request.</dd>
<dt>Unconfirmed</dt><dd>Usage that looks invented. It is in no total until a person with write access confirms it.</dd>
</dl>

<h2>What is never shown</h2>
<p>There are no figures by person and no rankings, here or anywhere else. What people and models wrote to each other never leaves
the developer's machine: token counts, times, branch names and commit ids do.</p>
"""


@router.get("/how", include_in_schema=False)
def how() -> HTMLResponse:
    """The same for everybody: nothing of an account is in it."""
    return page("How it is counted", _BODY)
