"""PELT, one behaviour each, worked out from kernel/sched/pelt.c of 6.12: periods of 1,024 units of 1,024 ns."""

from __future__ import annotations

import pytest

from schedlab.linux.pelt import CAPACITY, DECAY, LOAD_AVG_MAX, LoadAverage, decay_load

PERIOD_NS = 1024 * 1024


def after(periods: int, queued: bool = True, running: bool = True, weight: int = 1024) -> LoadAverage:
    """An entity that has done the same for so many periods, looked at after each."""
    entity = LoadAverage(weight)
    for period in range(1, periods + 1):
        entity.update(period * PERIOD_NS, int(queued), int(queued), CAPACITY * running)
    return entity


def test_after_32_periods_half_is_left_less_one_for_rounding():
    assert decay_load(1024, 32) == 511
    assert decay_load(1024, 64) == 255


def test_after_no_period_one_is_lost_too():
    """The table's first entry is 2^32 - 1, not 2^32."""
    assert decay_load(1024, 0) == 1023


@pytest.mark.parametrize(("periods", "left"), [(32 * 63, 0), (32 * 63 + 1, 0), (1, 1002), (33, 501)])
def test_what_is_left_of_one_period(periods, left):
    assert decay_load(1024, periods) == left


def test_the_table_falls_by_the_32nd_root_of_a_half():
    assert len(DECAY) == 32
    for k, entry in enumerate(DECAY):
        assert abs(entry - 2**32 * 0.5 ** (k / 32)) < 2


def test_the_largest_sum_is_that_of_a_task_that_never_stops():
    """At the end of a period: all but the period that begins, less a few that rounding has lost."""
    entity = after(1000)
    assert LOAD_AVG_MAX - 1024 - 4 <= entity.load_sum <= LOAD_AVG_MAX - 1024
    assert entity.util_avg in (1023, 1024)


@pytest.mark.parametrize(("periods", "utilisation"), [(32, 512), (64, 768), (96, 896)])
def test_a_new_task_has_half_of_its_load_after_32_periods(periods, utilisation):
    assert after(periods).util_avg == pytest.approx(utilisation, abs=14)


def test_who_stops_loses_half_in_32_periods():
    entity = after(345)
    before = entity.util_avg
    entity.update((345 + 32) * PERIOD_NS, 0, 0, 0)
    assert entity.util_avg == pytest.approx(before / 2, abs=12)


def test_waiting_counts_as_load_but_not_as_use():
    entity = after(345, running=False)
    assert entity.util_avg == 0
    assert entity.runnable_avg > 1000
    assert entity.load_avg > 1000


def test_load_is_in_units_of_the_weight():
    assert after(345, weight=335).load_avg == pytest.approx(335, abs=8)


def test_who_is_not_queued_cannot_run():
    entity = after(10, queued=False, running=True)
    assert (entity.load_sum, entity.util_sum) == (0, 0)


def test_averages_change_at_the_end_of_a_period_only():
    entity = LoadAverage(1024)
    assert not entity.update(1023 * 1024, 1, 1, CAPACITY)
    assert (entity.load_sum, entity.load_avg) == (1023, 0)
    assert entity.update(1024 * 1024, 1, 1, CAPACITY)
    assert entity.load_avg > 0


def test_time_is_cut_to_whole_units_and_the_rest_is_kept_for_later():
    entity = LoadAverage(1024)
    assert not entity.update(1023, 1, 1, CAPACITY)
    assert entity.last_update == 0
    entity.update(2047, 1, 1, CAPACITY)
    assert (entity.last_update, entity.load_sum) == (1024, 1)


def test_the_first_period_counts_whole():
    entity = after(1)
    assert entity.period_contrib == 0
    assert entity.load_sum == pytest.approx(1024 * 1002 / 1024, abs=2)
