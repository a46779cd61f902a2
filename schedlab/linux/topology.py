"""Where the CPUs lie: nodes, the distances between them, and the scheduling domains made of both.

A *node* is some CPUs that share a cache and the memory beside them. What is far is slow; how far,
the firmware says in a table: 10 is a node's own memory, 20 one that takes twice as long. The
scheduler turns the table into *domains*, each wider than the last: all CPUs of the node, then all
nodes within the next distance, and so on. A domain is divided into *groups*, the domains one level
below; load is evened out between groups, more rarely and more warily the wider the domain.

distance  10 times as slow as the node's own memory is 100
level     one of a CPU's domains, counted from the smallest
group     what is compared: a CPU in the smallest domain, a node (or several) in the others

Upstream: kernel/sched/topology.c of Linux 6.12 (sched_init_numa, build_overlap_sched_groups,
find_descended_sibling); include/linux/topology.h for the distances where the firmware has no table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LOCAL_DISTANCE = 10
REMOTE_DISTANCE = 20  # of two nodes of which nothing else is known
MOST_DISTANCE = 254  # of the firmware's table, whose 255 means "no way"


@dataclass(frozen=True)
class Level:
    """One domain of one CPU. `groups` begin with the CPU's own; in wide domains they may overlap."""

    span: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]
    distance: int
    overlaps: bool = False


class Topology:
    """Nodes as lists of CPU numbers, and `distances[a][b]` between nodes a and b.

    Raises ValueError for CPUs that are missing or twice there, and for a table that is none.
    """

    def __init__(self, nodes: Sequence[Sequence[int]], distances: Sequence[Sequence[int]] | None = None) -> None:
        self.nodes = tuple(tuple(sorted(node)) for node in nodes)
        cpus = sorted(cpu for node in self.nodes for cpu in node)
        if not all(self.nodes) or cpus != list(range(len(cpus))):
            raise ValueError(f"nodes: every CPU from 0 on in one node, none empty, not {[list(n) for n in nodes]}")
        self.distances = _checked(distances, len(self.nodes)) if distances is not None else _near(len(self.nodes))
        self.node_of = [next(i for i, node in enumerate(self.nodes) if cpu in node) for cpu in cpus]
        self.steps = sorted({far for row in self.distances for far in row})
        self._levels = [self._domains(cpu) for cpu in cpus]

    def distance(self, cpu: int, other: int) -> int:
        """How far the nodes of two CPUs are from each other."""
        return self.distances[self.node_of[cpu]][self.node_of[other]]

    def levels(self, cpu: int) -> list[Level]:
        """The domains of a CPU, the smallest first; none on a machine with one CPU."""
        return self._levels[cpu]

    # -- from distances to domains ----------------------------------------------------------------

    def within(self, cpu: int, step: int) -> tuple[int, ...]:
        """All CPUs that are no further than this distance (sd_numa_mask)."""
        near = self.distances[self.node_of[cpu]]
        return tuple(sorted(other for i, node in enumerate(self.nodes) if near[i] <= step for other in node))

    def _domains(self, cpu: int) -> list[Level]:
        """A domain that spans no more than the one below is none (sd_parent_degenerate)."""
        found: list[Level] = []
        before: tuple[int, ...] = (cpu,)
        for number, step in enumerate(self.steps):
            span = self.within(cpu, step)
            if span != before:
                groups = self._groups(cpu, span, number)
                overlaps = sum(map(len, groups)) > len(set().union(*groups))
                found.append(Level(span, groups, step, overlaps))
                before = span
        return found

    def _groups(self, cpu: int, span: tuple[int, ...], number: int) -> tuple[tuple[int, ...], ...]:
        """Round the span from this CPU on: whoever is in no group yet brings the domain below its own."""
        at = span.index(cpu)
        groups: list[tuple[int, ...]] = []
        for other in (*span[at:], *span[:at]):
            if not any(other in group for group in groups):
                groups.append(self._below(other, span, number))
        return tuple(groups)

    def _below(self, cpu: int, span: tuple[int, ...], number: int) -> tuple[int, ...]:
        """The widest domain of a CPU below this level that does not reach out of the span."""
        for step in reversed(self.steps[:number]):
            group = self.within(cpu, step)
            if set(group) <= set(span):
                return group
        return (cpu,)


def one_node(cpus: int) -> Topology:
    """A machine whose CPUs all share a cache."""
    return Topology([range(cpus)])


def _near(nodes: int) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(LOCAL_DISTANCE if a == b else REMOTE_DISTANCE for b in range(nodes)) for a in range(nodes))


def _checked(distances: Sequence[Sequence[int]], nodes: int) -> tuple[tuple[int, ...], ...]:
    table = tuple(tuple(row) for row in distances)
    if len(table) != nodes or any(len(row) != nodes for row in table):
        raise ValueError(f"distances: a row of {nodes} numbers for each of the {nodes} nodes")
    for a, row in enumerate(table):
        for b, far in enumerate(row):
            if a == b and far != LOCAL_DISTANCE:
                raise ValueError(f"distances[{a}][{a}]: a node is {LOCAL_DISTANCE} from itself, not {far}")
            if a != b and not LOCAL_DISTANCE < far <= MOST_DISTANCE:
                raise ValueError(f"distances[{a}][{b}]: from {LOCAL_DISTANCE + 1} to {MOST_DISTANCE}, not {far}")
            if table[b][a] != far:
                raise ValueError(f"distances[{a}][{b}] is {far}, but distances[{b}][{a}] is {table[b][a]}")
    return table
