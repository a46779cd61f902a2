"""Trees and graphs as the player draws them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from schedlab.views.graphs import spots, tree_graph, tree_rows
from schedlab.views.payload import Payload, unpack


@dataclass
class Node:
    item: int
    key: float
    red: bool = False
    left: Node | None = None
    right: Node | None = None


TREE = Node(1, 5.0, left=Node(0, 2.0, red=True), right=Node(2, 8.0, red=True))


def test_rows_of_a_tree_are_what_a_payload_takes():
    rows = tree_rows(TREE)
    assert rows == [(1, None, False, 0, 5.0), (0, 1, True, 0, 2.0), (2, 1, True, 1, 8.0)]
    p = Payload("linux", "tree", "made by hand", 10)
    for name in "abc":
        p.task(name)
    p.lane("CPU 0")
    p.tree(p.event(1, p.kind("step", "a step")), rows)
    head, columns = p.pack()
    assert list(unpack(head, columns)["nodes.parent"]) == [65535, 1, 1]


def test_a_node_at_two_places_is_no_tree():
    twice = Node(0, 1.0)
    with pytest.raises(ValueError, match="node 0 hangs at two places"):
        tree_rows(Node(1, 2.0, left=twice, right=twice))


def test_a_tree_as_a_graph_goes_from_parent_to_child():
    graph = tree_graph(tree_rows(TREE))
    assert sorted(graph.edges) == [(1, 0), (1, 2)]
    assert graph.nodes[0] == {"red": True, "side": 0, "key": 2.0}


def test_an_empty_tree_has_no_rows():
    assert tree_rows(None) == []


def test_the_middle_stands_in_the_middle_and_nobody_on_another():
    nodes = ["apiserver", "scheduler", "controller", "kubelet", "etcd"]
    links = [("apiserver", n) for n in nodes[1:]]
    placed = spots(nodes, links, middle="apiserver")
    assert placed["apiserver"] == (0.5, 0.5)
    assert len(set(placed.values())) == len(nodes)
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in placed.values())
    assert placed == spots(nodes, links, middle="apiserver")


def test_those_that_talk_stand_side_by_side():
    placed = spots(list("abcd"), [("a", "c"), ("c", "b"), ("b", "d")])
    assert list(placed) == ["a", "c", "b", "d"]


def test_a_link_to_nobody_is_told():
    with pytest.raises(ValueError, match="the link 'a' to 'z' needs both"):
        spots(["a"], [("a", "z")])
