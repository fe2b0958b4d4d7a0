"""Twelve weeks: a chart, and the same figures as a table. https://docs.github.com/en/get-started/writing-on-github (Mermaid)"""

from decimal import Decimal

from attribution.cost import marked
from attribution.money import Micros, show
from attribution.week_report import Point
from bot.issue.view import WeekView
from bot.markdown import folded, table

LEAST_WEEKS = 3
COLUMNS = ("Week", ">Merges", ">A merge cost", ">Spend", ">Shipped nothing", ">for each merge")
_CHART = """```mermaid
---
config:
  xyChart:
    width: 820
    height: 260
    titleFontSize: 16
    yAxis:
      labelFontSize: 11
  themeVariables:
    xyChart:
      backgroundColor: transparent
      plotColorPalette: "#2da44e, #d4a72c"
---
xychart-beta
  title "Bars: median cost of a merge. Line: spend that shipped nothing, for each merge."
  x-axis [{names}]
  y-axis "US$ {basis}" 0 --> {top}
  bar [{bars}]
  line [{line}]
```"""


def render(view: WeekView) -> str:
    weeks = [point for point in view.cost.points if point.cost.requests or point.merges]
    points = [point for point in weeks if point.per_merge_micros is not None]
    # A week without a merge has no cost of one: it is left out, not drawn as zero.
    chart = _chart(points) if len(points) >= LEAST_WEEKS else ""
    if len(weeks) < 2:
        return ""
    note = "" if len(points) == len(weeks) else "\n\nA week without a merge of known cost is not in the chart."
    figures = folded("The weeks in figures", f"{table(COLUMNS, map(_line, reversed(weeks)))}{note if chart else ''}")
    return f"{chart}\n\n{figures}" if chart else figures


def _chart(points: list[Point]) -> str:
    bars = [point.per_merge_micros or 0 for point in points]
    line = [_each(point) for point in points]
    top = max([*bars, *line, 1_000_000])
    return _CHART.format(
        names=", ".join(point.week[5:] for point in points),
        bars=", ".join(map(_usd, bars)),
        line=", ".join(map(_usd, line)),
        top=_usd(top + top // 10),
        basis="at list price or by tools' own figures" if any(map(_own, points)) else "at list price",
    )


def _each(point: Point) -> Micros:
    """What shipped nothing, for each merge."""
    return point.nothing.priced_micros // point.merges


def _own(point: Point) -> Micros:
    return point.reported_micros + point.nothing.reported_micros


def _usd(micros: Micros) -> str:
    return str((Decimal(micros) / 1_000_000).quantize(Decimal("0.01")))


def _line(point: Point) -> tuple[str, ...]:
    median = point.per_merge_micros
    merge = marked(show(median), point.reported_micros) if median is not None else "–"
    each = point.nothing.show_each(point.merges) if point.merges else "–"
    # A dash is no spend that we know of.
    spend = (point.cost.show(), point.nothing.show(), each) if point.cost.requests else ("–", "–", "–")
    return point.week[5:], f"{point.merges:,}", merge, *spend
