"""What a task does: steps written as data, or a function that yields them. The grammar that all families share.

A step is a word ("yield"), one key with its value ({"run": "3ms"}), or {"repeat": [...], "times": 3}, which without
times goes on for ever. Which words and keys there are, and what becomes of them, is the family's (see Grammar). A time
may be random: {"mean": "10ms"} (exponential), {"between": ["1ms", "5ms"]}, or {"pareto": "1ms", "alpha": 1.5,
"most": "1s"}: at least 1 ms, a few very long ones, none longer than `most`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from schedlab.guard import Guard, LearnerError, failed
from schedlab.scenario import LONGEST_TIME, ScenarioError, check_keys, duration, mapping, nearest, whole
from schedlab.sim import US

RANDOM_KEYS = ("mean", "between", "pareto", "alpha", "most")
REPEAT_KEYS = ("repeat", "times")
MOST_TIMES = 10**9  # of a repeat
MOST_EMPTY = 10_000  # repeats in turn of functions that yield nothing
MOST_DEPTH = 20  # of lists of steps inside each other
PARETO_ALPHA = 1.5  # a heavy tail with a mean, but no variance

Step = tuple[Any, ...]
Draw = Callable[["Making"], int]


class Making:
    """What a behaviour needs when it starts: the machine, its task's name, a random stream of its own."""

    def __init__(self, machine: Any, name: str, stream: str) -> None:
        self.machine = machine
        self.name = name
        self.stream = machine.engine.stream(stream)
        self.steps = 0  # that functions have yielded so far


class Part(NamedTuple):
    """Some steps: how to make them afresh for each run.

    ends  do they come to an end? A function is believed
    some  is there one at all? None: a function will tell
    """

    begin: Callable[[Making], Iterable[Step]]
    ends: bool = True
    some: bool | None = True


class Grammar(NamedTuple):
    """The steps of a family.

    words     steps that need no value
    keys      steps with one: key -> a function (value, where, depth) that reads it
    check     is this a step that Python made as the family's functions make them? Raises ScenarioError
    endless   does such a step last for ever?
    complete  what the machine gets of such a step when its time has come
    """

    words: Mapping[str, Step]
    keys: Mapping[str, Callable[[Any, str, int], Part]]
    check: Callable[[Any, str], None]
    endless: Callable[[Step], bool]
    complete: Callable[[Step, str, Making], Step] = lambda step, where, making: step


def always(step: Step) -> Part:
    """The same step in every run."""
    return Part(lambda making: (step,))


# -- steps given as data ----------------------------------------------------------------------------


def read_behaviour(does: Any, where: str, grammar: Grammar, depth: int = 0) -> Part:
    """A list of steps, one step, or a function that yields them. Raises ScenarioError."""
    if callable(does):
        return Part(lambda making: own_steps(does, where, grammar, making), some=None)
    if isinstance(does, Iterator):
        raise ScenarioError(f"{where}: pass the function, not its result: a run must be able to start it again")
    if isinstance(does, Mapping):
        does = [does]
    if isinstance(does, str) or not isinstance(does, Sequence) or not does:
        raise ScenarioError(f"{where}: a list of steps or a function that yields them, not {does!r}")
    if depth > MOST_DEPTH:
        raise ScenarioError(f"{where}: more than {MOST_DEPTH} lists of steps inside each other")
    parts = [read_step(step, f"{where}[{i}]", grammar, depth) for i, step in enumerate(does)]

    def in_turn(making: Making) -> Iterator[Step]:
        for part in parts:
            yield from part.begin(making)

    some = [part.some for part in parts]
    return Part(in_turn, all(part.ends for part in parts), True if True in some else None if None in some else False)


def read_step(step: Any, where: str, grammar: Grammar, depth: int) -> Part:
    """One step of a list."""
    if callable(step):
        return Part(lambda making: own_steps(step, where, grammar, making), some=None)
    if isinstance(step, tuple):  # made by one of the family's functions
        grammar.check(step, where)

        def made(making: Making) -> Iterator[Step]:
            yield grammar.complete(step, where, making)  # whose answer nobody takes

        return Part(made, not grammar.endless(step))
    if isinstance(step, str):
        if step not in grammar.words:
            raise ScenarioError(f"{where}: {step!r} is no step{nearest(step, (*grammar.words, *grammar.keys))}")
        return always(grammar.words[step])
    step = mapping(step, where)
    check_keys(step, step_keys(grammar), where)
    if "repeat" in step:
        return read_repeat(step, where, grammar, depth)
    if len(step) != 1:
        raise ScenarioError(f"{where}: a step has one key, not {', '.join(step) or 'none'}")
    ((key, value),) = step.items()
    if key in grammar.words:
        return always(grammar.words[key])
    if key in grammar.keys:
        return grammar.keys[key](value, f"{where}.{key}", depth)
    raise ScenarioError(f"{where}: 'times' belongs beside 'repeat'")


def step_keys(grammar: Grammar) -> tuple[str, ...]:
    """All keys that a step can have."""
    return (*grammar.keys, *grammar.words, *REPEAT_KEYS)


def read_repeat(step: Mapping[str, Any], where: str, grammar: Grammar, depth: int) -> Part:
    """`{"repeat": [...], "times": 3}`; without times, for ever."""
    check_keys(step, REPEAT_KEYS, where)
    body = read_behaviour(step["repeat"], f"{where}.repeat", grammar, depth + 1)
    times = whole(step["times"], f"{where}.times", 0, MOST_TIMES) if "times" in step else None
    if times == 0 or (times is not None and body.some is False):
        return Part(lambda making: (), some=False)
    if body.some is False:
        raise ScenarioError(f"{where}.repeat: there is no step in it, and it goes on for ever")

    def repeat(making: Making) -> Iterator[Step]:
        done = empty = 0
        while times is None or done < times:
            before = making.steps
            yield from body.begin(making)
            done += 1
            empty = 0 if body.some or making.steps > before else empty + 1
            if empty >= MOST_EMPTY:
                raise LearnerError(f"{where}.repeat: {empty:,} times in turn its functions have yielded no step")

    return Part(repeat, times is not None and body.ends, body.some)


def read_timed(make: Callable[[int], Step], value: Any, where: str, least: int, forever: int | None) -> Part:
    """A step with a time; `forever` (ns) is what the family says for a time without end, None where none can be."""
    if value == "forever" and forever is not None:
        return Part(always(make(forever)).begin, ends=False)
    time = read_time(value, where, least)
    if isinstance(time, int):
        return always(make(time))
    return Part(lambda making: (make(time(making)),))


def read_time(value: Any, where: str, least: int) -> int | Draw:
    """A time in ns, or a function that draws one. Raises ScenarioError."""
    if not isinstance(value, Mapping):
        return duration(value, where, least)
    check_keys(value, RANDOM_KEYS, where)
    if set(value) == {"mean"}:
        mean = duration(value["mean"], f"{where}.mean", least=1)
        return lambda making: exponential(making, mean)
    if set(value) == {"between"}:
        if not isinstance(value["between"], Sequence) or len(value["between"]) != 2:
            raise ScenarioError(f"{where}.between: two times, not {value['between']!r}")
        low, high = (duration(end, f"{where}.between") for end in value["between"])
        if low > high:
            raise ScenarioError(f"{where}.between: {low} ns is more than {high} ns")
        return lambda making: low + int(making.stream.random() * (high - low + 1))
    if "pareto" in value and not {"mean", "between"} & set(value):
        shortest = duration(value["pareto"], f"{where}.pareto", least=1)
        longest = duration(value["most"], f"{where}.most", least=shortest) if "most" in value else LONGEST_TIME
        alpha = value.get("alpha", PARETO_ALPHA)
        if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or not 0.1 <= alpha <= 100:
            raise ScenarioError(f"{where}.alpha: a number from 0.1 to 100, not {alpha!r}")
        return lambda making: pareto(making, shortest, alpha, longest)
    raise ScenarioError(f"{where}: one of 'mean', 'between' and 'pareto'")


# Both draw in whole microseconds, so that the last bit of a C library's logarithm or power does not matter.


def exponential(making: Making, mean: int) -> int:
    """A random time (ns) with this mean."""
    return max(1, round(-math.log(1.0 - making.stream.random()) * mean / US)) * US


def pareto(making: Making, shortest: int, alpha: float, longest: int) -> int:
    """A random time (ns) of which P(longer than t) = (shortest / t) ** alpha, cut at `longest`."""
    scale = (1.0 - making.stream.random()) ** (-1.0 / alpha)
    return min(max(1, round(shortest * scale / US)) * US, longest)


# -- steps that a learner's function yields ---------------------------------------------------------


def own_steps(function: Callable[[], Any], where: str, grammar: Grammar, making: Making) -> Iterator[Step]:
    """The steps of a learner's behaviour; whatever is wrong with them is told with the task and the time."""
    guard: Guard = vars(making.machine.policy)["_guard"]
    what = f"the behaviour of {making.name}"
    answer: Any = None
    made: Any = None
    while True:
        outer, guard.doing, guard.about = (guard.doing, guard.about), what, ()
        guard.calls += 1
        try:
            if made is None:
                made = series(function(), where)
            step = made.send(answer) if answer is not None and hasattr(made, "send") else next(made)
            grammar.check(step, where)
            step = grammar.complete(step, where, making)
        except StopIteration:
            return
        except LearnerError:
            raise
        except (Exception, SystemExit) as error:
            raise failed(what, making.machine.now, (), error) from error
        finally:
            guard.doing, guard.about = outer
        making.steps += 1
        answer = yield step


def series(made: Any, where: str) -> Iterator[Any]:
    """What a learner's function has returned must be a series of steps."""
    if isinstance(made, (str, bytes, Mapping)) or not isinstance(made, Iterable):
        raise ScenarioError(f"{where}: the function must return or yield steps, not {made!r}")
    return iter(made)
