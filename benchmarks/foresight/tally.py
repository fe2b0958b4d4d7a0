"""Errors of forecasts and of naive ones beside each other, as a row of a table."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from attribution.forecast import Estimate, Forecast, error_percent
from attribution.money import Micros


class Tally:
    """The cases of one horizon. `said` is the error printed with the forecasts that would have been shown."""

    def __init__(self) -> None:
        self.errors: defaultdict[str, list[int]] = defaultdict(list)
        self.shown_errors: list[int] = []
        self.inside = self.thin = 0

    def add(
        self, likely: Estimate | None, forecast: Forecast | None, actual_micros: Micros, naive: dict[str, Micros]
    ) -> None:
        if likely is None:
            self.thin += 1
            return
        for name, estimate_micros in {"forecast": likely.micros, **naive}.items():
            self.errors[name].append(error_percent(estimate_micros, actual_micros))
        self.inside += likely.low_micros <= actual_micros <= likely.high_micros
        if forecast:
            self.shown_errors.append(forecast.track_record.error_percent)

    def row(self, names: Sequence[str]) -> str:
        cases = len(self.errors["forecast"])
        cells = [f"{cases:>7}", *(_percent(self.errors[name]) for name in ("forecast", *names))]
        cells += [f"{100 * self.inside // cases:>8} %" if cases else f"{'-':>10}", f"{len(self.shown_errors):>8}"]
        return "".join([*cells, _percent(self.shown_errors), f"{self.thin:>10}"])


def head(first: str, names: Sequence[str]) -> str:
    columns = "".join(f"{name:>10}" for name in ("forecast", *names, "in range"))
    return f"  {first:>8}{'cases':>7}{columns}{'shown':>8}{'said':>10}{'too thin':>10}"


def _percent(errors: Sequence[int]) -> str:
    return f"{round(median(errors)):>8} %" if errors else f"{'-':>10}"
