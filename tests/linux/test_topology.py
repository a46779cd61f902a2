"""Nodes, distances and the domains made of them."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab import goals
from schedlab.linux.topology import Topology, one_node
from schedlab.scenario import Scenario, ScenarioError
from schedlab.sim import MS, US

LINE = [[10, 20, 30, 40], [20, 10, 20, 30], [30, 20, 10, 20], [40, 30, 20, 10]]  # 0 --- 1 --- 2 --- 3


def groups(topology: Topology, cpu: int) -> list[list[set[int]]]:
    return [[set(group) for group in level.groups] for level in topology.levels(cpu)]


def test_one_node_is_one_domain_whose_groups_are_the_cpus_from_the_own_one_on():
    topology = one_node(4)
    (level,) = topology.levels(2)
    assert level.span == (0, 1, 2, 3)
    assert level.groups == ((2,), (3,), (0,), (1,))
    assert (level.distance, level.overlaps) == (10, False)


def test_one_cpu_has_no_domain():
    assert one_node(1).levels(0) == []


def test_two_nodes_are_two_domains_and_the_wide_one_compares_nodes():
    topology = Topology([[0, 1], [2, 3]])
    near, far = topology.levels(3)
    assert (near.span, near.groups) == ((2, 3), ((3,), (2,)))
    assert (far.span, far.groups, far.distance) == ((0, 1, 2, 3), ((2, 3), (0, 1)), 20)
    assert topology.distance(0, 1) == 10
    assert topology.distance(0, 2) == 20


def test_a_node_with_one_cpu_has_no_domain_of_its_own():
    assert [level.distance for level in Topology([[0], [1]]).levels(0)] == [20]


def test_nodes_in_a_line_are_grouped_as_the_comment_in_topology_c_has_them():
    line = Topology([[0], [1], [2], [3]], LINE)
    assert groups(line, 0) == [[{0}, {1}], [{0, 1}, {2}], [{0, 1, 2}, {1, 2, 3}]]
    assert groups(line, 1) == [[{1}, {2}, {0}], [{0, 1, 2}, {2, 3}]]
    assert groups(line, 3) == [[{3}, {2}], [{2, 3}, {1}], [{1, 2, 3}, {0, 1, 2}]]
    assert [level.overlaps for level in line.levels(0)] == [False, False, True]


@pytest.mark.parametrize(
    ("nodes", "distances", "said"),
    [
        ([[0], [2]], None, "every CPU from 0 on in one node"),
        ([[0, 1], [1]], None, "every CPU from 0 on in one node"),
        ([[0], []], None, "none empty"),
        ([[0], [1]], [[10, 20]], "a row of 2 numbers for each of the 2 nodes"),
        ([[0], [1]], [[10, 20], [20, 11]], "is 10 from itself, not 11"),
        ([[0], [1]], [[10, 10], [10, 10]], "from 11 to 254, not 10"),
        ([[0], [1]], [[10, 255], [255, 10]], "from 11 to 254, not 255"),
        ([[0], [1]], [[10, 20], [30, 10]], r"distances\[0\]\[1\] is 20, but distances\[1\]\[0\] is 30"),
    ],
)
def test_what_is_no_table_of_distances_is_refused(nodes: Any, distances: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Topology(nodes, distances)


# -- in a scenario -------------------------------------------------------------------------------------


def scenario(**machine: Any) -> Scenario:
    """Two tasks that change places: each is allowed on the other's CPU only from 10 ms on."""
    tasks = [{"name": "a", "cpus": [0]}, {"name": "b", "cpus": [3]}]
    swap = [{"at": "10ms", "cpus": {"task": name, "cpus": [cpu]}} for name, cpu in (("a", 3), ("b", 0))]
    return Scenario("o1", tasks, cpus=4, until="20ms", events=swap, machine=machine)


def test_a_task_that_comes_from_another_node_is_slower_to_begin_by_the_distance():
    def lost(**machine: Any) -> set[int]:
        return {row.b for row in scenario(cache="100us", **machine).run().table("warms")}

    assert lost() == {100 * US}
    assert lost(nodes=2) == {200 * US}
    assert lost(nodes=2, distances=[[10, 31], [31, 10]]) == {310 * US}
    assert lost(nodes=[[0, 3], [1, 2]]) == {100 * US}


def test_what_is_lost_to_a_cold_cache_is_nobodys_time():
    trace = scenario(cache="100us", nodes=2).run()
    assert goals.cpu_time(trace) == {"a": 20 * MS - 200 * US, "b": 20 * MS - 200 * US}
    assert trace.names["cpu"] == ["CPU 0 (node 0)", "CPU 1 (node 0)", "CPU 2 (node 1)", "CPU 3 (node 1)"]
    assert not scenario(nodes=2).run().table("warms")


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        ({"nodes": 3}, "machine.nodes: 4 CPUs cannot be divided evenly among 3 nodes"),
        ({"nodes": 5}, "machine.nodes"),
        ({"nodes": 0}, "machine.nodes"),
        ({"nodes": True}, "machine.nodes"),
        ({"nodes": "2"}, "machine.nodes: a list, not '2'"),
        ({"nodes": 2.0}, "machine.nodes: a list, not 2.0"),
        ({"nodes": [[0, 1], [2]]}, "machine.nodes: 3 CPUs lie in them, but cpus is 4"),
        ({"nodes": [[0, 1], [2, 4]]}, "machine.nodes"),
        ({"nodes": [[0, 1], [2, 3, 1]]}, "machine.nodes: every CPU from 0 on in one node"),
        ({"nodes": [[0, 1, 2, 3], []]}, "machine.nodes"),
        ({"nodes": [0, 1, 2, 3]}, "machine.nodes"),
        ({"nodes": 2, "distances": [[10, 20]]}, "machine.distances: a row of 2 numbers"),
        ({"nodes": 2, "distances": [10, 20]}, "machine.distances: a list, not 10"),
        ({"nodes": 2, "distances": [[10, "20"], [20, 10]]}, "machine.distances"),
        ({"nodes": 2, "distances": [[10, 9], [9, 10]]}, "from 11 to 254, not 9"),
        ({"cache": "-1us"}, "machine.cache"),
    ],
)
def test_a_machine_that_cannot_be_is_refused(machine: dict[str, Any], said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        scenario(**machine)
