"""The red-black tree: its laws, its order and its summaries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schedlab.linux.rbtree import Node, RBTree, following


class Item:
    def __init__(self, key: int, number: int, order: int = 0) -> None:
        self.key, self.number, self.order = key, number, order
        self.node = Node(self)


def numbers(node: Node | None) -> list[int]:
    """Of a subtree."""
    return [] if node is None else [node.item.number, *numbers(node.left), *numbers(node.right)]


def black_height(node: Node | None, parent: Node | None = None) -> int:
    """Black nodes on every way down; fails where the tree breaks a law."""
    if node is None:
        return 0
    assert node.parent is parent
    assert not (node.red and parent is not None and parent.red), "a red node has a red child"
    left, right = black_height(node.left, node), black_height(node.right, node)
    assert left == right, "the ways down have different numbers of black nodes"
    return left + (not node.red)


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=200), st.randoms(use_true_random=False))
def test_whatever_is_put_in_and_taken_out_the_tree_keeps_its_laws_and_its_order(steps, random):
    tree = RBTree(augmented=True)
    inside: list[Item] = []
    values = random.sample(range(len(steps)), len(steps))
    for order, (key, out) in enumerate(steps):
        if out and inside:
            item = inside.pop(random.randrange(len(inside)))
            tree.remove(item.node)
        else:
            item = Item(key, values[order], order)
            tree.insert(item.node, key, item.number)
            inside.append(item)
        black_height(tree.root)
        assert tree.root is None or not tree.root.red
        expected = sorted(inside, key=lambda one: (one.key, one.order))
        assert list(tree) == expected, "in order of the key, equal keys as they came"
        assert tree.first() is (expected[0] if expected else None)
        assert len(tree) == len(inside)
        for node in tree.nodes():
            assert node.least == min(numbers(node))


def test_seven_in_rising_order_take_the_shape_that_the_textbook_draws():
    tree = RBTree()
    for key in range(1, 8):
        tree.insert(Item(key, key).node, key)
    assert [(node.key, node.red) for node in tree.nodes()] == [
        (2, False), (1, False), (4, True), (3, False), (6, False), (5, True), (7, True),
    ]  # fmt: skip


def test_the_next_in_order_is_found_from_any_item():
    tree = RBTree()
    items = [Item(key, key) for key in (5, 1, 9, 3, 7)]
    for item in items:
        tree.insert(item.node, item.key)
    after = [following(item.node) for item in items]
    assert [node and node.key for node in after] == [7, 3, None, 5, 9]
