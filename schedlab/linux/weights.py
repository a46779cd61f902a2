"""Weights of nice values, and the kernel's way to multiply and divide by them.

One nice level is a factor of about 1.25, so about 10 % of the CPU between two neighbours. The
kernel never divides: it multiplies by a stored inverse, 2^32 / weight, and shifts. The last digits
that this loses decide ties, so they are kept here.
Upstream: sched_prio_to_weight, sched_prio_to_wmult, __calc_delta of kernel/sched/ (5.15, 6.12).
"""

from __future__ import annotations

from functools import lru_cache

NICE_0_LOAD = 1024
WMULT_SHIFT = 32
WMULT_CONST = (1 << 32) - 1
MOST_FACTORS = 4096  # that are remembered: a machine has few weights, and few sums of them at a time
IDLE_WEIGHT, IDLE_INVERSE = 3, 1431655765  # of SCHED_IDLE tasks since 2.6.30

WEIGHTS = (  # nice -20 .. 19
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
    9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
    1024, 820, 655, 526, 423, 335, 272, 215, 172, 137,
    110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
)  # fmt: skip
INVERSES = (  # 2^32 / weight, as the kernel's table has them
    48388, 59856, 76040, 92818, 118348, 147320, 184698, 229616, 287308, 360437,
    449829, 563644, 704093, 875809, 1099582, 1376151, 1717300, 2157191, 2708050, 3363326,
    4194304, 5237765, 6557202, 8165337, 10153587, 12820798, 15790321, 19976592, 24970740, 31350126,
    39045157, 49367440, 61356676, 76695844, 95443717, 119304647, 148102320, 186737708, 238609294, 286331153,
)  # fmt: skip


def weight_of(nice: int) -> int:
    """The weight of a nice value from -20 to 19."""
    return WEIGHTS[nice + 20]


def inverse_of(nice: int) -> int:
    """2^32 divided by that weight, as the kernel's table has it."""
    return INVERSES[nice + 20]


def inverse_of_load(load: int) -> int:
    """The inverse of a whole queue's weight, which has no table."""
    return WMULT_CONST // load if load else WMULT_CONST


def calc_delta(delta: int, weight: int, inverse: int) -> int:
    """`delta * weight / load`, given the load's inverse; never rounded up."""
    factor, shift = factor_of(weight, inverse)
    return delta * factor >> shift


@lru_cache(MOST_FACTORS)
def factor_of(weight: int, inverse: int) -> tuple[int, int]:
    """`weight / load` as a factor of at most 32 bits, and by how much its product is to be shifted right."""
    factor = weight * inverse
    too_many_bits = (factor >> 32).bit_length()
    return factor >> too_many_bits, WMULT_SHIFT - too_many_bits


def cpu_factor(cpus: int) -> int:
    """By how much the base times grow with the number of CPUs: 1 + log2, at most 4."""
    return min(cpus, 8).bit_length()
