"""A chart of all values marks the one at which the knob stands."""

from __future__ import annotations

import pytest

from schedlab.lessons import design_stealing, linux_cfs, linux_eevdf, start
from schedlab.sim import MS


@pytest.mark.parametrize(
    ("chart", "at"),
    [
        (lambda: start.waiting(500 * MS)[1], 500),
        (lambda: design_stealing.load(400_000)[1], 0.4),
        (lambda: design_stealing.amounts(8)[1], 8),
        (lambda: linux_cfs.pair(-20, 5)[1], -20),
        (lambda: linux_cfs.slices(3, 250)[1], 3),
        (lambda: linux_cfs.one_sleep(4 * MS)[1], 4),
        (lambda: linux_eevdf.requests("0.1ms")[1], 0.1),
        (lambda: linux_eevdf.napping("5ms")[1], 5),
    ],
)
def test_the_knobs_value_is_marked(chart, at):
    drawn = chart()
    assert drawn.at == at
    xs = [x for points in drawn.series.values() for x, _y in points]
    assert min(xs) <= at <= max(xs)
