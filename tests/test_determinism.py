"""The same scenario has the same digest twice, under two hash seeds and on every Python; another seed differs."""

from __future__ import annotations

import pytest

from tests import digests, pythons

HERE = digests.digests()


def test_a_run_has_the_same_digest_twice():
    assert digests.digests() == HERE


def test_another_seed_gives_another_run():
    for name in digests.RUNS:
        assert HERE[f"{name} seed 1"] != HERE[f"{name} seed 2"]


def test_every_run_is_a_different_one():
    assert len(set(HERE.values())) == len(HERE)


@pytest.mark.parametrize("hash_seed", digests.HASH_SEEDS)
@pytest.mark.parametrize("version", pythons.at_hand())
def test_every_python_at_hand_agrees(version, hash_seed):
    assert digests.digests_under(pythons.at_hand()[version], hash_seed) == HERE
