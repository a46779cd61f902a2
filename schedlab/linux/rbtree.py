"""The kernel's red-black tree, rotation by rotation.

A search tree that stays nearly balanced: every node is red or black, no red node has a red child,
and every path from the root to a gap passes equally many black nodes. Inserting and removing
recolour a path and rotate at most a few times, so every step costs O(log n).

It is the kernel's tree to the shape, because shape decides a tie in EEVDF of Linux 6.6; and the
player draws it. A tree may be *augmented*: every node then has a value, and knows the least value
of its subtree (the earliest deadline in it, say) through every change.
Upstream: lib/rbtree.c and include/linux/rbtree_augmented.h of Linux 6.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Node:
    """What ties an item into a tree, one at a time: every item has its own (the kernel's `run_node`).

    `least` is the least value in its subtree, of an augmented tree.
    """

    __slots__ = ("item", "key", "value", "parent", "left", "right", "red", "least")

    def __init__(self, item: Any) -> None:
        self.item = item
        self.key = 0
        self.value = 0
        self.parent: Node | None = None
        self.left: Node | None = None
        self.right: Node | None = None
        self.red = True
        self.least = 0


class RBTree:
    """Items in order of an integer key; equal keys as they came (a new one goes to the right of its equals)."""

    def __init__(self, augmented: bool = False) -> None:
        self.root: Node | None = None
        self.augmented = augmented
        self.leftmost: Node | None = None
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        """The items in order."""
        node = self.leftmost
        while node is not None:
            yield node.item
            node = following(node)

    def first(self) -> Any:
        """The item with the smallest key, None when the tree is empty: kept at hand, never searched."""
        return None if self.leftmost is None else self.leftmost.item

    def nodes(self) -> Iterator[Node]:
        """The nodes, each before its children, left before right."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            if node is not None:
                yield node
                waiting += [node.right, node.left]

    def drawn(self) -> list[tuple[Any, Any, bool, int, int]]:
        """`(item, its parent's item or None, red, 0 for a left child or 1, key)` of every node, parents first."""
        return [
            (
                node.item,
                None if node.parent is None else node.parent.item,
                node.red,
                int(node.parent is not None and node.parent.right is node),
                node.key,
            )
            for node in self.nodes()
        ]

    def insert(self, node: Node, key: int, value: int = 0) -> None:
        """Find the gap, put a red node there, repair."""
        node.key = key
        node.value = node.least = value
        node.left = node.right = None
        node.red = True
        self._size += 1
        parent, leftmost = None, True
        place = self.root
        while place is not None:
            parent = place
            if value < place.least:  # never, where all values are 0: the tree is not augmented
                place.least = value
            if key < place.key:
                place = place.left
            else:
                place, leftmost = place.right, False
        node.parent = parent
        if parent is None:
            self.root = node
        elif key < parent.key:
            parent.left = node
        else:
            parent.right = node
        if leftmost:
            self.leftmost = node
        if parent is None:
            node.red = False
            return
        if parent.red:
            self._insert_colour(node)

    def remove(self, node: Node) -> None:
        """Take a node out, put its successor in its place where it had two children, repair."""
        self._size -= 1
        if self.leftmost is node:
            self.leftmost = following(node)
        hole = self._unlink(node)
        if hole is not None:
            self._erase_colour(hole)

    # -- the least of a subtree ---------------------------------------------------------------

    def _refresh(self, node: Node | None) -> None:
        """Something has left the subtree of `node`: find the least again, upward as far as it has changed."""
        if self.augmented:
            while node is not None and _relearn(node):
                node = node.parent

    # -- shape --------------------------------------------------------------------------------

    def _replace(self, old: Node, new: Node | None, parent: Node | None) -> None:
        """`new` becomes what `old` was to its parent."""
        if parent is None:
            self.root = new
        elif parent.left is old:
            parent.left = new
        else:
            parent.right = new

    def _rotate(self, top: Node, left: bool) -> Node:
        """Turn the edge between `top` and its right child (left child if `left` is False) to the left (right)."""
        up = top.right if left else top.left
        assert up is not None, "a rotation needs a child to turn around"
        inner = up.left if left else up.right
        parent = top.parent
        if left:
            top.right, up.left = inner, top
        else:
            top.left, up.right = inner, top
        if inner is not None:
            inner.parent = top
        up.parent = parent
        self._replace(top, up, parent)
        top.parent = up
        if self.augmented:
            up.least = top.least  # the same subtree as before
            _relearn(top)
        return up

    def _insert_colour(self, node: Node) -> None:
        """No red node may have a red parent."""
        while True:
            parent = node.parent
            if parent is None:
                node.red = False
                return
            if not parent.red:
                return
            top = parent.parent
            assert top is not None, "a red node is never the root"
            on_left = parent is top.left
            uncle = top.right if on_left else top.left
            if uncle is not None and uncle.red:  # recolour, and go on two levels higher
                uncle.red = parent.red = False
                top.red = True
                node = top
                continue
            if node is (parent.right if on_left else parent.left):
                parent = self._rotate(parent, left=on_left)
            self._rotate(top, left=not on_left)
            parent.red, top.red = False, True
            return

    def _unlink(self, node: Node) -> Node | None:
        """Remove the node; the place where a black node is now missing on one side, or None."""
        left, right = node.left, node.right
        if left is None or right is None:
            child = right if left is None else left
            parent = node.parent
            self._replace(node, child, parent)
            if child is not None:
                child.parent, child.red = parent, node.red
                hole = None
            else:
                hole = None if node.red else parent
            self._refresh(parent)
            return hole
        successor = right
        while successor.left is not None:
            successor = successor.left
        orphan = successor.right
        if successor is right:
            parent = successor
        else:
            above = successor.parent
            assert above is not None
            parent = above
            parent.left = orphan
            successor.right = right
            right.parent = successor
        successor.left = left
        left.parent = successor
        successor.least = node.least
        was_red = successor.red
        successor.red, successor.parent = node.red, node.parent
        self._replace(node, successor, node.parent)
        if orphan is not None:
            orphan.parent, orphan.red = parent, False
            hole = None
        else:
            hole = None if was_red else parent
        self._refresh(parent)
        self._refresh(successor)
        return hole

    def _erase_colour(self, parent: Node) -> None:
        """One side of `parent` has a black node too few: take one from the sibling's side, or pass the lack upward."""
        node: Node | None = None
        while True:
            on_left = node is parent.left
            sibling = parent.right if on_left else parent.left
            assert sibling is not None, "the side with more black nodes cannot be empty"
            if sibling.red:
                self._rotate(parent, left=on_left)
                sibling.red, parent.red = False, True
                inner = parent.right if on_left else parent.left
                assert inner is not None
                sibling = inner
            far, near = (sibling.right, sibling.left) if on_left else (sibling.left, sibling.right)
            if far is None or not far.red:
                if near is None or not near.red:
                    sibling.red = True
                    if parent.red:
                        parent.red = False
                        return
                    node = parent
                    if node.parent is None:
                        return
                    parent = node.parent
                    continue
                self._rotate(sibling, left=not on_left)
                far, sibling = sibling, near
            self._rotate(parent, left=on_left)
            far.red = False
            sibling.red, parent.red = parent.red, False
            return


def _relearn(node: Node) -> bool:
    """The least of a node's own value and its children's; has it changed?"""
    least, left, right = node.value, node.left, node.right
    if left is not None and left.least < least:
        least = left.least
    if right is not None and right.least < least:
        least = right.least
    if least == node.least:
        return False
    node.least = least
    return True


def following(node: Node) -> Node | None:
    """The next node in order."""
    if node.right is not None:
        node = node.right
        while node.left is not None:
            node = node.left
        return node
    while node.parent is not None and node is node.parent.right:
        node = node.parent
    return node.parent
