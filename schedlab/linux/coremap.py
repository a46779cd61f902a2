"""Core: main memory as a list of holes, of which the first that is large enough is taken.

hole   bytes in a row that nobody has, as [address, size]; the list is in order of address

The flaw: many small holes together may be more than enough, and none of them alone. Who asks then
waits, although there is room; moving images together (compaction) is not done.
Upstream: ken/malloc.c (malloc, mfree) of Unix, Sixth Edition, which counts in blocks of 64 bytes.
"""

from __future__ import annotations


class CoreMap:
    """`size` bytes of memory, all of them one hole at first."""

    def __init__(self, size: int) -> None:
        self.holes = [[0, size]]

    def take(self, size: int) -> int | None:
        """malloc(): the address of `size` bytes from the first hole that has them; None if none has."""
        for hole in self.holes:
            if hole[1] >= size:
                address = hole[0]
                hole[0] += size
                hole[1] -= size
                if hole[1] == 0:
                    self.holes.remove(hole)
                return address
        return None

    def give(self, address: int, size: int) -> None:
        """mfree(): a hole again, made one with those that it touches."""
        self.holes.append([address, size])
        self.holes.sort()
        joined: list[list[int]] = []
        for hole in self.holes:
            if joined and joined[-1][0] + joined[-1][1] == hole[0]:
                joined[-1][1] += hole[1]
            else:
                joined.append(hole)
        self.holes = joined
