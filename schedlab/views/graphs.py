"""Trees and graphs as the player draws them: rows of nodes for `Payload.tree`, spots for `Payload.actor`.

networkx is imported where a graph is laid out.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

Node = tuple[int, int | None, bool, int, float]  # item, parent, red, side (0 left, 1 right), key


def tree_rows(root: Any, *, item: str = "item", red: str = "red", key: str = "key") -> list[Node]:
    """The nodes of a binary tree, parents first, from objects with `left` and `right` (None where there is none).

    Raises ValueError for a node that hangs at two places: that is no tree.
    """
    rows: list[Node] = []
    seen: set[int] = set()
    waiting: list[tuple[Any, int | None, int]] = [(root, None, 0)] if root is not None else []
    while waiting:
        node, parent, side = waiting.pop(0)
        mine = int(getattr(node, item))
        if id(node) in seen:
            raise ValueError(f"node {mine} hangs at two places of the tree")
        seen.add(id(node))
        rows.append((mine, parent, bool(getattr(node, red, False)), side, float(getattr(node, key, math.nan))))
        waiting += [(child, mine, s) for s, child in ((0, node.left), (1, node.right)) if child is not None]
    return rows


def tree_graph(rows: Iterable[Node]) -> Any:
    """The same rows as a networkx directed graph, parent to child, with red, side and key on each node."""
    import networkx as nx

    graph = nx.DiGraph()
    for item, parent, red, side, key in rows:
        graph.add_node(item, red=red, side=side, key=key)
        if parent is not None:
            graph.add_edge(parent, item)
    return graph


def spots(
    nodes: Sequence[Hashable], links: Iterable[tuple[Hashable, Hashable]], *, middle: Hashable | None = None
) -> Mapping[Hashable, tuple[float, float]]:
    """A place for each node, 0 to 1 from the upper left: all on a ring, those that talk side by side.

    `middle` stands in the centre (the apiserver). The same graph has the same places always. Raises
    ValueError for a link or middle that is no node.
    """
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(nodes)
    for a, b in links:
        if a not in graph or b not in graph:
            raise ValueError(f"the link {a!r} to {b!r} needs both of them among the nodes")
        graph.add_edge(a, b)
    if middle is not None and middle not in graph:
        raise ValueError(f"the middle {middle!r} is not among the nodes")
    number = {node: k for k, node in enumerate(nodes)}
    ring = [node for node in nodes if node != middle]
    order: list[Hashable] = []
    apart = graph.subgraph(ring)
    for part in sorted(nx.connected_components(apart), key=lambda one: min(number[node] for node in one)):
        start = min(part, key=lambda node: (apart.degree(node), number[node]))
        walk = nx.dfs_preorder_nodes(apart, start, sort_neighbors=lambda found: sorted(found, key=number.__getitem__))
        order += list(walk)
    found: dict[Hashable, tuple[float, float]] = {} if middle is None else {middle: (0.5, 0.5)}
    for k, node in enumerate(order):
        angle = 2 * math.pi * k / len(order) - math.pi / 2
        found[node] = (round(0.5 + 0.42 * math.cos(angle), 4), round(0.5 + 0.42 * math.sin(angle), 4))
    return found
