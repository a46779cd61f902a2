"""The light tones of the player, for pictures that stand on their own background."""

from __future__ import annotations

BACKGROUND, SOFT, INK, MUTED, EDGE, LINE = "#ffffff", "#f5f6f6", "#14181d", "#64676a", "#858789", "#e0e1e2"
ACCENT, WASH, GOOD, BAD, SPIN = "#0b62c4", "#e4edf8", "#1a6e3c", "#b3261e", "#8a5a00"
TASKS = (
    "#5363a5", "#e76b19", "#00a589", "#8c354d",
    "#1399e4", "#9b1c28", "#87984f", "#684176",
    "#007567", "#dc6da9", "#7b6f03", "#5938a9",
)  # fmt: skip
DARK, WHITE = "#101820", "#ffffff"
ON_DARK = frozenset((0, 3, 5, 7, 8, 10, 11))  # tasks (of twelve) whose letter is white
FONT = "system-ui, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif"
CODE = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"


def colour(task: int) -> str:
    """A task's colour; from the thirteenth on they come again, with another letter."""
    return TASKS[task % len(TASKS)]


def letter_on(task: int) -> str:
    """The ink that reads best on a task's colour."""
    return WHITE if task % len(TASKS) in ON_DARK else DARK


def pattern(task: int) -> int:
    """0 plain, 1 stripes, 2 dots: two colours that may be mixed up never have the same."""
    return task % len(TASKS) // 4
