"""Why it went so: the same scenario once more, with somebody watching the policy.

An algorithm holds no code for its explanation. To explain a trace the scenario is run again on a
policy whose hooks are watched from outside: at every decision the policy is asked for its
`candidates`, the judgements it is marked with are called for each of them, and Python's own tracing
tells which lines ran and where the winner was chosen. What is seen becomes rows of its own kinds
between the rows of the plain trace, which stay as they were; a run that goes differently the second
time is told as such.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from types import CodeType, FrameType
from typing import Any

from schedlab.guard import LearnerError, failed
from schedlab.scenario import ScenarioError, parts_of
from schedlab.trace import (
    EXPLAINED,
    NOBODY,
    Effect,
    Field,
    Kind,
    Recorder,
    Trace,
    first_difference,
)

HOOK = Kind(EXPLAINED, "hook", "task", "cpu", "hook", "note", "{where}: {a}")
DECIDED = Kind(EXPLAINED + 1, "decided", "task", "cpu", "note", "", "{where} compares")
EPISODE = Kind(EXPLAINED + 2, "episode", "", "cpu", "episode", "number", "{a}")
MOVE = Kind(
    EXPLAINED + 3,
    "move",
    "task",
    "",
    "number",
    "number",
    "{who} moves in its queue",
    (Effect("place", "who", "a", "b"),),
)
RETURNED = "return"  # no variable: what a function of the policy has returned
TREE = Kind(EXPLAINED + 4, "tree", "", "cpu", "note", "", "the tree of {where} changes")
FIRST_FIELD = EXPLAINED + 10  # kinds from here on: a watched field of a task changes
PLACE_SIZE = 65_536  # a place code is place * PLACE_SIZE + position

HOOKS = ("enqueue", "dequeue", "tick", "fork", "yields", "renice", "exit", "release", "balance")


class NotRepeatable(ValueError):
    """The scenario went differently when it was run again; says from which row on."""


def explain(trace: Trace, start: int, stop: int) -> Trace:
    """`trace` with the reasons of its plain rows `start` to `stop`. Raises NotRepeatable."""
    scenario = trace.scenario
    assert scenario is not None
    plain = trace.plain()
    policy = scenario.policy()
    recorder = Recorder(plain.family)
    watch = Watch(
        policy, recorder, start, stop if stop < len(plain) else len(plain) + 1
    )  # what follows the last row too
    again = scenario.run(policy=policy, recorder=recorder)
    names = {**again.names, **watch.names}
    about = {**plain.about, "source": watch.source, "plain_notes": 0}
    explained = Trace(
        watch.family(), recorder.columns, names, end=again.end, notes=recorder.notes, about=about, scenario=scenario,
        explained=(start, stop),
    )  # fmt: skip
    parted = first_difference(plain, explained)
    if parted is not None:
        raise NotRepeatable(
            f"run again, the scenario goes differently from row {parted.row} on: its policy or a behaviour is not "
            f"deterministic (random numbers of its own, the clock, or state kept from run to run)"
        )
    return explained


class Watch:
    """Stands around a policy: replaces its hooks by watched ones and writes down what they did."""

    _counted = 0  # rows that `count` has looked at

    def __init__(self, policy: Any, recorder: Recorder, start: int, stop: int) -> None:
        self.policy = policy
        self.record = recorder
        self.start, self.stop = start, stop
        self.plain_rows = 0
        self.names: dict[str, list[str]] = {"hook": [], "episode": [], "place": [], "judgement": []}
        self.machine: Any = None
        self.codes = {code: name for part in parts_of(policy) for code, name in _codes_of(part)}
        self.seen_fields: dict[tuple[int, str], int] = {}
        self.seen_places: dict[int, int] = {}
        self.seen_trees: dict[int, list[list[int]]] = {}
        self.lines: list[tuple[int, str, dict[str, int]]] = []
        self.listening = False
        self.picking: tuple[Any, Any] | None = None  # CPU and prev of the pick that is going on
        self.compared: list[dict[str, Any]] = []
        self.fields = tuple(policy.watched)
        self.family_plain = recorder.family
        self.kinds = (
            HOOK, DECIDED, EPISODE, MOVE, TREE,
            *(
                Kind(FIRST_FIELD + i, f"field_{name}", "task", "", "number", "number", f"{{who}}: {name} {{b}} → {{a}}",
                     (Effect(name, "who", "a", "b"),))
                for i, name in enumerate(self.fields)
            ),
        )  # fmt: skip
        for kind in self.kinds:
            recorder.add_verb(kind)
        self.judgements = {part: list(_marked(part, "__judgement__")) for part in parts_of(policy)}
        names = [name for found in self.judgements.values() for name, _method in found]
        for part in self.judgements:
            check_ranking(part, names)
        self.names["judgement"] = list(dict.fromkeys(names))
        self.source, self.source_file = _source_of(policy)
        self._wrap()

    def family(self) -> Any:
        """The family with the kinds and fields of an explanation."""
        fields = (Field("place", "task", "number", NOBODY), *(Field(name, "task", "number", 0) for name in self.fields))
        mine = self.family_plain
        return mine._replace(kinds=(*mine.kinds, *self.kinds), fields=(*mine.fields, *fields))

    # -- putting the watch up -----------------------------------------------------------------

    def _wrap(self) -> None:
        policy = self.policy
        attach = policy.attach

        def attached(machine: Any) -> None:
            self.machine = machine
            attach(machine)

        policy.attach = attached
        policy.pick = self._watched_pick(policy.pick)
        for hook in HOOKS:
            if hasattr(policy, hook):
                setattr(policy, hook, self._watched_hook(hook, getattr(policy, hook)))
        for part in parts_of(policy):
            for name, method in _marked(part, "__episode__"):
                setattr(part, name, self._watched_episode(name, method))

    @property
    def in_range(self) -> bool:
        """Is the next plain row one that is asked about?"""
        return self.start <= self.count() < self.stop

    def count(self) -> int:
        """How many plain rows there are so far."""
        kinds = self.record.columns[1]
        while self._counted < len(kinds):
            self.plain_rows += kinds[self._counted] < EXPLAINED
            self._counted += 1
        return self.plain_rows

    def _watched_pick(self, pick: Callable[..., Any]) -> Callable[..., Any]:
        def watched(cpu: Any, prev: Any) -> Any:
            if not self.in_range or not self.policy.ranking.by:
                return pick(cpu, prev)
            self.compared = self.judge_candidates(cpu, prev)
            self.picking = (cpu, prev)
            winner, lines = self.listen(pick, cpu, prev)
            self.picking = None
            if winner is not None and winner.id not in {one["task"] for one in self.compared} | {NOBODY}:
                self.compared = self.judge_candidates(cpu, prev)  # it was pulled from another CPU inside the pick
            self.write_decision(cpu, winner, self.compared, lines)
            self.write_changes()
            return winner

        return watched

    def _watched_hook(self, name: str, hook: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any) -> Any:
            if self.listening or not self.in_range:
                return hook(*arguments)
            answer, lines = self.listen(hook, *arguments)
            if self.changes():
                task = next((a for a in arguments if hasattr(a, "sum_exec")), None)
                cpu = next((a for a in arguments if hasattr(a, "need_resched")), None)
                note = self.record.note({"lines": sorted({line for line, _f, _l in lines})})
                self.record.hook(
                    self.machine.now, NOBODY if task is None else task.id, NOBODY if cpu is None else cpu.id,
                    self.number("hook", name), note,
                )  # fmt: skip
                self.write_changes()
            return answer

        return watched

    def _watched_episode(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any) -> Any:
            answer = method(*arguments)
            if self.in_range and self.machine is not None:
                if self.picking is not None:  # an epoch inside a pick: what decides is what the tasks have now
                    self.compared = self.judge_candidates(*self.picking)
                line = inspect.unwrap(method).__code__.co_firstlineno
                self.record.episode(self.machine.now, NOBODY, NOBODY, self.number("episode", name), line)
            return answer

        return watched

    # -- listening ----------------------------------------------------------------------------

    def listen(self, call: Callable[..., Any], *arguments: Any) -> tuple[Any, list[tuple[int, str, dict[str, int]]]]:
        """Call with line tracing of the policy's own files; the answer and `(line, function, task ids by name)`."""
        self.lines = []
        self.listening = True
        before = sys.gettrace()
        sys.settrace(self._on_call)
        try:
            answer = call(*arguments)
        finally:
            sys.settrace(before)
            self.listening = False
        return answer, self.lines

    def _on_call(self, frame: FrameType, _event: str, _arg: Any) -> Callable[..., Any] | None:
        if frame.f_code not in self.codes:
            return None
        return self._on_line

    def _on_line(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any] | None:
        if event in ("line", "return") and frame.f_code.co_filename == self.source_file:
            tasks = {
                name: value.id
                for name, value in frame.f_locals.items()
                if name != "self" and hasattr(value, "sum_exec")
            }
            if event == "return" and hasattr(arg, "sum_exec"):
                tasks[RETURNED] = arg.id
            self.lines.append((frame.f_lineno, frame.f_code.co_name, tasks))
        return self._on_line

    def judge_candidates(self, cpu: Any, prev: Any) -> list[dict[str, Any]]:
        """Every candidate with its judgements; how the deciding one came about, line by line."""
        candidates = list(self.policy.candidates(cpu, prev))
        ranking = self.policy.ranking
        found = []
        for task, *context in candidates:
            numbers: dict[str, int] = {}
            steps: list[list[int]] = []
            for name, method in self.judgements[self._part_of(task)]:
                wants = len(inspect.signature(method).parameters) - 1
                arguments = context[:wants]
                if len(arguments) < wants:
                    continue
                if name == ranking.by:
                    numbers[name], steps = self._judge_by_lines(method, task, *arguments)
                else:
                    numbers[name] = int(method(task, *arguments))
            found.append({"task": task.id, "numbers": numbers, "steps": steps})
        return found

    def _part_of(self, task: Any) -> Any:
        return self.policy.part_of(task) if hasattr(self.policy, "part_of") else self.policy

    def _judge_by_lines(self, method: Callable[..., Any], *arguments: Any) -> tuple[int, list[list[int]]]:
        """A judgement's value, and the value of its local `score` after each line that changed it."""
        steps: list[list[int]] = []
        code = method.__func__.__code__  # type: ignore[attr-defined]  # a bound method of the policy
        shown = code.co_filename == self.source_file  # else its line numbers would point into another text
        last: list[Any] = [None, 0]

        def on_line(frame: FrameType, event: str, _arg: Any) -> Callable[..., Any]:
            score = frame.f_locals.get("score")
            if score is not None and score != last[0]:
                steps.append([last[1] if shown else 0, int(score)])
                last[0] = score
            last[1] = frame.f_lineno
            return on_line

        def on_call(frame: FrameType, _event: str, _arg: Any) -> Callable[..., Any] | None:
            if frame.f_code is not code:
                return None
            last[1] = frame.f_lineno
            return on_line

        before = sys.gettrace()
        sys.settrace(on_call)
        try:
            value = int(method(*arguments))
        finally:
            sys.settrace(before)
        return value, steps

    # -- writing down -------------------------------------------------------------------------

    def write_decision(
        self, cpu: Any, winner: Any, candidates: list[dict[str, Any]], lines: list[tuple[int, str, dict[str, int]]]
    ) -> None:
        """One note with all candidates, their numbers, the line that decided; one row that points to it."""
        chosen = NOBODY if winner is None or winner is cpu.idle else winner.id
        ranking = self.policy.ranking
        note = {
            "by": ranking.by,
            "best": ranking.best,
            "tie": ranking.tie,
            "filters": list(ranking.filters),
            "winner": chosen,
            "lit": deciding_line(lines, chosen),
            "lines": sorted({line for line, _function, _tasks in lines}),
            "candidates": judged(candidates, chosen, ranking),
        }
        self.record.decided(self.machine.now, chosen, cpu.id, self.record.note(note))

    def changes(self) -> list[tuple[str, Any, int, int]]:
        """What differs from what was last written: fields of tasks, and places in queues."""
        found: list[tuple[str, Any, int, int]] = []
        for task in self.machine.tasks.values():
            for name in self.fields:
                new = int(getattr(task, name))
                old = self.seen_fields.get((task.id, name), 0)
                if new != old:
                    found.append((f"field_{name}", task, new, old))
        places: dict[int, int] = {}
        for place, tasks in self.queues():
            code = self.number("place", place) * PLACE_SIZE
            for position, task in enumerate(tasks):
                places[task.id] = code + position
        for task in self.machine.tasks.values():
            new, old = places.get(task.id, NOBODY), self.seen_places.get(task.id, NOBODY)
            if new != old:
                found.append(("move", task, new, old))
        return found

    def queues(self) -> list[tuple[str, list[Any]]]:
        """Where the policy says that its tasks stand. Raises LearnerError where it does not say so."""
        try:
            found = [(place, list(tasks)) for place, tasks in self.policy.queues()]
            if all(isinstance(place, str) and all(hasattr(task, "id") for task in tasks) for place, tasks in found):
                return found
        except Exception as error:
            raise failed(f"{type(self.policy).__name__}.queues", self.machine.now, (), error) from error
        raise LearnerError(f"{type(self.policy).__name__}.queues must give names of places, and the tasks of each")

    def write_changes(self) -> None:
        """A row for each change."""
        now = self.machine.now
        for kind, task, new, old in self.changes():
            getattr(self.record, kind)(now, task.id, NOBODY, new, old)
            if kind == "move":
                self.seen_places[task.id] = new
            else:
                self.seen_fields[task.id, kind.removeprefix("field_")] = new

        if hasattr(self.policy, "tree_of"):
            self.write_trees()

    def write_trees(self) -> None:
        """A row for each tree that has another shape, order or colour: `[task, its parent or -1, red, side, key]`."""
        for cpu in self.machine.cpus:
            nodes = self.policy.tree_of(cpu)
            if nodes is None:
                continue
            shape = [
                [item.id, NOBODY if parent is None else parent.id, int(red), side, key]
                for item, parent, red, side, key in nodes
            ]
            if shape != self.seen_trees.get(cpu.id, []):
                self.seen_trees[cpu.id] = shape
                self.record.tree(self.machine.now, NOBODY, cpu.id, self.record.note({"tree": shape}))

    def number(self, table: str, name: str) -> int:
        """The number of a name in one of our tables."""
        entries = self.names[table]
        if name not in entries:
            entries.append(name)
        return entries.index(name)


def deciding_line(lines: list[tuple[int, str, dict[str, int]]], winner: int) -> int:
    """The last line after which a variable first held the winner: the one that decided. 0 if nothing ran.

    A line that only takes over what a method of the policy has found did not decide: the method's line did.
    """
    if winner == NOBODY or not lines:
        return lines[-1][0] if lines else 0
    decided, decided_at = 0, -1
    last_by_function: dict[str, tuple[int, int, dict[str, int]]] = {}
    for at, (line, function, tasks) in enumerate(lines):
        if function in last_by_function:
            began, before, held = last_by_function[function]
            for name, task in tasks.items():
                if task == winner and held.get(name) != winner and name not in ("task", "prev", "curr", RETURNED):
                    if decided_at <= began:
                        decided, decided_at = before, at
        if not decided and tasks.get(RETURNED) == winner != tasks.get("task"):
            decided, decided_at = line, at
        last_by_function[function] = (at, line, tasks)
    return decided or lines[-1][0]


def check_ranking(part: Any, judgements: Sequence[str]) -> None:
    """What candidates are compared by must be judgements. Raises ScenarioError."""
    for name in (part.ranking.by, *part.ranking.filters):
        if name and name not in judgements:
            known = ", ".join(judgements) or "none"
            raise ScenarioError(
                f"{type(part).__name__}.ranking compares by {name!r}, but no method of that name is marked as a "
                f"@judgement; marked are: {known}"
            )


def judged(candidates: list[dict[str, Any]], winner: int, ranking: Any) -> list[dict[str, Any]]:
    """Each candidate's verdict, and by how much it is behind the winner."""
    by = ranking.by
    best = next((c["numbers"][by] for c in candidates if c["task"] == winner), None)
    for candidate in candidates:
        mine = candidate["numbers"][by]
        failed = next((f for f in ranking.filters if not candidate["numbers"][f]), None)
        candidate["margin"] = 0 if best is None else abs(best - mine)
        if candidate["task"] == winner:
            candidate["verdict"] = "won"
        elif failed:
            candidate["verdict"] = failed
        else:
            candidate["verdict"] = "tie" if mine == best else "worse"
    return candidates


def _marked(policy: Any, mark: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The policy's methods with a mark, by name; an override keeps its base's mark."""
    for name in dir(type(policy)):
        if any(hasattr(vars(cls).get(name), mark) for cls in type(policy).__mro__):
            yield name, getattr(policy, name)


def _codes_of(policy: Any) -> Iterator[tuple[CodeType, str]]:
    """The code objects of the policy's own methods, its bases' included except the questions' defaults."""
    for cls in type(policy).__mro__:
        if cls.__name__ in ("object", "Policy"):
            continue
        for name, member in vars(cls).items():
            code = getattr(member, "__code__", None)
            if code is not None:
                yield code, name


def _source_of(policy: Any) -> tuple[dict[str, Any], str]:
    """The text of the class whose lines are lit, and the file its code names; empty where Python cannot find it.

    It is a learner's own class if there is one, however little it changes, else the class that picks.
    """
    policy = getattr(policy, "ops", policy)  # what is loaded into sched_ext says more than what loads it
    classes = [cls for cls in type(policy).__mro__ if cls.__module__ not in ("builtins", "typing")]
    own = [cls for cls in classes if not cls.__module__.startswith("schedlab.")]
    owner = next(iter(own or [cls for cls in classes if "pick" in vars(cls)]), type(policy))
    codes = [member.__code__ for member in vars(owner).values() if hasattr(member, "__code__")]
    code_file = codes[0].co_filename if codes else ""
    try:
        lines, first = inspect.getsourcelines(owner)
    except (OSError, TypeError):
        return {"file": owner.__name__, "first": 1, "text": ""}, code_file
    module = owner.__module__
    file = module.replace(".", "/") + ".py" if module.startswith("schedlab.") else f"class {owner.__name__}"
    return {"file": file, "first": first, "text": "".join(lines)}, code_file
