"""What must hold at every instant of a run, and when and for whom it first did not.

    broken = check(trace)                          # every law that this trace promises
    broken = WORK_CONSERVING.check(trace)          # one law
    longest_wait(200 * MS).check(trace)            # one with a bound of yours

A law reads rows alone, so recordings are judged like runs. Some laws hold for every scheduler
(`ALWAYS`); others are what one generation promises and another gives up for speed: which, its
family says in `promises(scenario)`. All times are whole nanoseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from schedlab.trace import EXPLAINED, NOBODY, Replay, Row, Trace
from schedlab.words import fill

BRINGS = ("spawn", "submit", "kill", "found", "found_running")  # rows about a task that may not have been there before
MOST_VIOLATIONS = 20  # of one law: the first ones are what a reader looks at


class Violation(NamedTuple):
    """One moment at which a law was broken: `row` is the last row that stands before it."""

    time: int
    row: int
    rule: str
    says: str


class Law(NamedTuple):
    """A rule with its name, its sentence, and how breaches are found: in the order of time."""

    id: str
    sentence: str
    find: Callable[[Trace], Iterator[Violation]]

    def check(self, trace: Trace) -> list[Violation]:
        """The first breaches, at most `MOST_VIOLATIONS`; an empty list when the law holds."""
        found: list[Violation] = []
        for violation in self.find(trace):
            found.append(violation)
            if len(found) == MOST_VIOLATIONS:
                break
        return found


class Still(NamedTuple):
    """A stretch of time in which no row falls: from `start` to `stop` (ns), behind row `row`."""

    start: int
    stop: int
    row: int
    state: dict[str, list[int]]


def stills(trace: Trace) -> Iterator[Still]:
    """Every stretch between rows, with the state in it; the state is live, so copy what you keep."""
    replay = Replay(trace)
    time = trace.time
    for i in range(len(trace)):
        replay.forward()
        stop = time[i + 1] if i + 1 < len(trace) else trace.end
        if stop > time[i]:
            yield Still(time[i], stop, i, replay.state)


def _dur(ns: int) -> str:
    return fill("{ns:dur}", {"ns": ns})


def _states(trace: Trace) -> dict[str, int]:
    return {name: number for number, name in enumerate(trace.family.states)}


# -- laws of every scheduler ------------------------------------------------------------------------


def _time_goes_forward(trace: Trace) -> Iterator[Violation]:
    for i in range(1, len(trace)):
        if trace.time[i] < trace.time[i - 1]:
            says = f"row {i} stands at {trace.time[i]} ns, after row {i - 1} at {trace.time[i - 1]} ns"
            yield Violation(trace.time[i], i, TIME.id, says)
    if len(trace) and trace.end < trace.time[-1]:
        yield Violation(trace.end, len(trace) - 1, TIME.id, f"the trace ends at {trace.end} ns, before its last row")


def _rows_chain(trace: Trace) -> Iterator[Violation]:
    replay = Replay(trace)
    for i in range(len(trace)):
        row = trace.row(i)
        cells: dict[str | int, int] = {number: number for number in range(-1, 8)}
        cells.update(zip(Row._fields, row))
        changed: dict[tuple[str, int], int] = {}
        for effect in trace.kinds[row.kind].sets:
            key = cells[effect.key]
            if key < 0:
                continue
            holds = changed.get((effect.field, key), replay.state[effect.field][key])
            if holds != cells[effect.old]:
                of = next(field for field in trace.family.fields if field.name == effect.field)
                was, said = trace.value(of.holds, holds), trace.value(of.holds, cells[effect.old])
                says = f"the {effect.field} of {trace.value(of.of, key)} was {was}, but the row takes it for {said}"
                yield Violation(row.time, i, CHAIN.id, says)
            changed[effect.field, key] = cells[effect.new]
        replay.forward()


def _one_cpu(trace: Trace) -> Iterator[Violation]:
    for still in stills(trace):
        on: dict[int, int] = {}
        for cpu, task in enumerate(still.state["running"]):
            if task == NOBODY:
                continue
            if task in on:
                where = f"{trace.name('cpu', on[task])} and on {trace.name('cpu', cpu)}"
                yield Violation(
                    still.start, still.row, ONE_CPU.id, f"{trace.name('task', task)} runs on {where} at once"
                )
            on[task] = cpu


def _cpu_time(trace: Trace) -> Iterator[Violation]:
    """Time that CPUs spend on tasks is time that tasks spend running, in every stretch."""
    running = _states(trace)["running"]
    for still in stills(trace):
        busy = {task for task in still.state["running"] if task != NOBODY}
        has = {task for task, state in enumerate(still.state["state"]) if state == running}
        for task in sorted(busy ^ has):
            cpu = next((c for c, runs in enumerate(still.state["running"]) if runs == task), None)
            name, length = trace.name("task", task), _dur(still.stop - still.start)
            if cpu is None:
                says = f"{name} counts as running for {length}, but no CPU runs it"
            else:
                state = trace.name("state", still.state["state"][task])
                says = f"{trace.name('cpu', cpu)} spends {length} on {name}, which is {state}"
            yield Violation(still.start, still.row, CPU_TIME.id, says)


def _nobody_lost(trace: Trace, exempt: frozenset[str] = frozenset()) -> Iterator[Violation]:
    """Rows speak of tasks that exist, and no ready task is left at the end while its CPU stands idle."""
    states = _states(trace)
    gone = {number for name, number in states.items() if name in ("gone", "finished", "zombie")}
    replay = Replay(trace)
    ready_since: dict[int, int] = {}
    for i in range(len(trace)):
        row, kind = trace.row(i), trace.kinds[trace.kind[i]]
        if kind.who == "task" and row.who != NOBODY and row.kind < EXPLAINED and kind.name not in BRINGS:
            state = replay.state["state"][row.who]
            if state == states["absent"] or (state in gone and kind.name in ("wake", "switch", "resume", "keep")):
                name = trace.name("task", row.who)
                says = f"“{trace.sentence(i)}”, but {name} is {trace.name('state', state)}"
                yield Violation(row.time, i, NOBODY_LOST.id, says)
        replay.forward()
        for task in {row.who, row.a if kind.a == "task" else NOBODY}:
            if 0 <= task < len(replay.state["state"]):
                if replay.state["state"][task] == states["ready"]:
                    ready_since.setdefault(task, i)
                else:
                    ready_since.pop(task, None)
    for task, i in sorted(ready_since.items(), key=lambda entry: entry[1]):
        home = replay.state["home"][task]
        if 0 <= home < len(replay.state["running"]) and replay.state["running"][home] == NOBODY:
            waited = trace.end - trace.time[i]
            if waited > 0 and trace.names["task"][task] not in exempt:
                says = (
                    f"{trace.name('task', task)} is ready since {_dur(trace.time[i])} and never runs again, "
                    f"though {trace.name('cpu', home)} is idle at the end: has it fallen out of the queue?"
                )
                yield Violation(trace.time[i], i, NOBODY_LOST.id, says)


TIME = Law("time", "Time never goes back.", _time_goes_forward)
CHAIN = Law("chain", "Every row finds the state as the rows before have left it.", _rows_chain)
ONE_CPU = Law("one-cpu", "A task runs on one CPU at a time.", _one_cpu)
CPU_TIME = Law("cpu-time", "CPU time is conserved: what CPUs give is what tasks get.", _cpu_time)
NOBODY_LOST = Law("nobody-lost", "Nobody is lost: a task that is ready stays in line until it runs.", _nobody_lost)
ALWAYS = (TIME, CHAIN, ONE_CPU, CPU_TIME, NOBODY_LOST)


def nobody_lost(exempt: Iterable[str] = ()) -> Law:
    """The same, but the tasks `exempt` may be ready beside an idle CPU: their budget may be used up."""
    free = frozenset(exempt)
    return NOBODY_LOST._replace(find=lambda trace: _nobody_lost(trace, free))


# -- laws that some schedulers promise -----------------------------------------------------------------


def work_conserving(
    scope: str = "machine",
    tolerance: int = 0,
    allowed: Mapping[str, Iterable[int]] | None = None,
    exempt: Iterable[str] = (),
) -> Law:
    """No CPU stands idle for more than `tolerance` ns while a task is ready that it may run.

    `scope` "machine": any CPU must take any ready task; "queue": only those of its own queue.
    `allowed` maps a task's name to the CPUs it may use; `exempt` are names of tasks whose budget may be used up.
    """
    if scope not in ("machine", "queue"):
        raise ValueError(f"scope is 'machine' or 'queue', not {scope!r}")
    limits = {name: frozenset(cpus) for name, cpus in (allowed or {}).items()}
    limits.update((name, frozenset[int]()) for name in exempt)

    def find(trace: Trace) -> Iterator[Violation]:
        ready = _states(trace)["ready"]
        every = frozenset(range(len(trace.names.get("cpu", ()))))
        may_use = [limits.get(name, every) for name in trace.names.get("task", ())]
        since: dict[tuple[int, int], tuple[int, int]] = {}
        for still in stills(trace):
            idle = [cpu for cpu, task in enumerate(still.state["running"]) if task == NOBODY]
            waiting = [task for task, state in enumerate(still.state["state"]) if state == ready] if idle else []
            pairs = {
                (cpu, task)
                for task in waiting
                for cpu in idle
                if cpu in may_use[task] and (scope == "machine" or still.state["home"][task] == cpu)
            }
            since = {pair: since.get(pair, (still.start, still.row)) for pair in pairs}
            for (cpu, task), (start, row) in sorted(since.items()):
                if still.stop - start > tolerance >= still.start - start:  # told once, when it has lasted too long
                    says = f"{trace.name('cpu', cpu)} stands idle while {trace.name('task', task)} is ready"
                    yield Violation(start, row, "work-conserving", says)

    of = "" if scope == "machine" else " in its own queue"
    return Law("work-conserving", f"No CPU is idle while a task is ready{of}.", find)


def slice_respected(limit: int, ends: str = "switch", exempt: Iterable[str] = ()) -> Law:
    """Nobody runs on for more than `limit` ns while another task of the same CPU waits.

    `ends` says what ends a turn: "switch" (somebody else runs) or "decision" (being picked again is enough).
    `exempt` are names of tasks without a slice.
    """
    if ends not in ("switch", "decision"):
        raise ValueError(f"ends is 'switch' or 'decision', not {ends!r}")
    free = frozenset(exempt)

    def find(trace: Trace) -> Iterator[Violation]:
        ready = _states(trace)["ready"]
        began: dict[int, tuple[int, int, int]] = {}  # CPU -> its task, since when it runs on while somebody waits
        told: set[int] = set()
        decided = -1
        for still in stills(trace):
            if ends == "decision":
                for i in range(decided + 1, still.row + 1):
                    if trace.kinds[trace.kind[i]].decision:
                        began.pop(trace.where[i], None)
                        told.discard(trace.where[i])
            decided = still.row
            homes = {still.state["home"][t] for t, state in enumerate(still.state["state"]) if state == ready}
            for cpu, task in enumerate(still.state["running"]):
                if task == NOBODY or cpu not in homes or trace.name("task", task) in free:
                    began.pop(cpu, None)
                    told.discard(cpu)
                    continue
                if cpu not in began or began[cpu][0] != task:
                    began[cpu] = (task, still.start, still.row)
                    told.discard(cpu)
                start = began[cpu][1]
                if still.stop - start > limit and cpu not in told:
                    told.add(cpu)
                    waits = next(
                        t for t, s in enumerate(still.state["state"]) if s == ready and still.state["home"][t] == cpu
                    )
                    says = (
                        f"{trace.name('task', task)} runs on {trace.name('cpu', cpu)} for more than {_dur(limit)} "
                        f"while {trace.name('task', waits)} waits"
                    )
                    yield Violation(start + limit, still.row, "slice", says)

    return Law("slice", f"Nobody runs on for more than {_dur(limit)} while another waits.", find)


def longest_wait(limit: int, exempt: Iterable[str] = ()) -> Law:
    """No ready task waits for more than `limit` ns. `exempt` are names of tasks that may."""
    free = frozenset(exempt)

    def find(trace: Trace) -> Iterator[Violation]:
        ready = _states(trace)["ready"]
        since: dict[int, tuple[int, int]] = {}
        passed: dict[int, int] = {}
        told: set[int] = set()
        counted = 0
        for still in stills(trace):
            decisions = sum(trace.kinds[trace.kind[i]].decision for i in range(counted, still.row + 1))
            counted = still.row + 1
            for task, state in enumerate(still.state["state"]):
                if state != ready or trace.name("task", task) in free:
                    since.pop(task, None)
                    told.discard(task)
                    continue
                if task not in since:
                    since[task], passed[task] = (still.start, still.row), 0
                else:
                    passed[task] += decisions
                start = since[task][0]
                if still.stop - start > limit and task not in told:
                    told.add(task)
                    over = f", passed over {passed[task]} times" if passed[task] else ""
                    says = (
                        f"{trace.name('task', task)} is ready since {_dur(start)} and has waited "
                        f"for more than {_dur(limit)}{over}"
                    )
                    yield Violation(start + limit, still.row, "longest-wait", says)

    return Law("longest-wait", f"No ready task waits for more than {_dur(limit)}.", find)


def fairness(bound: int, tasks: Iterable[str] | None = None) -> Law:
    """Tasks that want the CPU all the time have had equal shares of it, to within `bound` ns, at every instant.

    Counted from when the last of `tasks` (all, if None) is there; a task that sleeps or ends leaves the comparison.
    """
    chosen = None if tasks is None else frozenset(tasks)

    def find(trace: Trace) -> Iterator[Violation]:
        states = _states(trace)
        wants = (states["ready"], states["running"])
        members: set[int] | None = None
        had: dict[int, int] = {}
        told = False
        count = sum(kind == trace.kind_named("spawn").id for kind in trace.kind)
        for still in stills(trace):
            if sum(state != states["absent"] for state in still.state["state"]) < count:
                continue
            now = {t for t, s in enumerate(still.state["state"]) if s in wants}
            if members is None:
                members = {t for t in now if chosen is None or trace.name("task", t) in chosen}
            members &= now
            for task in members:
                if still.state["state"][task] == states["running"]:
                    had[task] = had.get(task, 0) + still.stop - still.start
            if len(members) < 2 or told:
                continue
            least, most = min(members, key=lambda t: had.get(t, 0)), max(members, key=lambda t: had.get(t, 0))
            apart = had.get(most, 0) - had.get(least, 0)
            if apart > bound:
                told = True
                says = (
                    f"{trace.name('task', most)} has had {_dur(had.get(most, 0))} of CPU time and "
                    f"{trace.name('task', least)} {_dur(had.get(least, 0))}: {_dur(apart)} apart"
                )
                yield Violation(still.stop - (apart - bound), still.row, "fairness", says)

    return Law("fairness", f"Equal tasks have had equal CPU time, to within {_dur(bound)}.", find)


def memory_kept(limit: int) -> Law:
    """Tasks never have more than `limit` bytes of memory together."""

    def find(trace: Trace) -> Iterator[Violation]:
        told = False
        for still in stills(trace):
            used = sum(still.state["memory"])
            if used > limit and not told:
                says = f"tasks have {used:,} bytes of memory together, but there are {limit:,}"
                yield Violation(still.start, still.row, "memory", says)
            told = used > limit

    return Law("memory", f"Tasks never have more than {limit:,} bytes of memory together.", find)


def jobs_admitted(limit: int) -> Law:
    """No more than `limit` jobs are in at a time: admitted, and neither ended nor killed."""

    def find(trace: Trace) -> Iterator[Violation]:
        admits = trace.kind_named("admit").id
        ends = {trace.kind_named(name).id for name in ("exit", "kill")}
        inside: set[int] = set()
        for i, (kind, who) in enumerate(zip(trace.kind, trace.who)):
            if kind == admits:
                inside.add(who)
                if len(inside) > limit:
                    says = f"{trace.name('task', who)} is admitted as number {len(inside)}; at most {limit} may be in"
                    yield Violation(trace.time[i], i, "jobs", says)
            elif kind in ends:
                inside.discard(who)

    return Law("jobs", f"At most {limit} jobs are in at a time.", find)


WORK_CONSERVING = work_conserving()


# -- what a trace promises ---------------------------------------------------------------------------------


def promised(trace: Trace) -> tuple[Law, ...]:
    """The laws that this trace must keep: those of all, and what its scheduler promises in this scenario."""
    if trace.scenario is None:
        return ALWAYS
    tell: Callable[[Any], Mapping[str, Any]] | None = getattr(trace.scenario.family, "promises", None)
    if tell is None:
        return ALWAYS
    makers: dict[str, Callable[..., Law]] = {
        "nobody_lost": nobody_lost,
        "work_conserving": work_conserving,
        "slice_respected": slice_respected,
        "longest_wait": longest_wait,
        "fairness": fairness,
        "memory_kept": memory_kept,
        "jobs_admitted": jobs_admitted,
    }
    told = [makers[name](**settings) for name, settings in tell(trace.scenario).items()]
    ids = {law.id for law in told}
    return (*(law for law in ALWAYS if law.id not in ids), *told)


def check(trace: Trace, laws: Iterable[Law] | None = None) -> list[Violation]:
    """All breaches of these laws (of what the trace promises, if None), in the order of time."""
    chosen = promised(trace) if laws is None else tuple(laws)
    return sorted(violation for law in chosen for violation in law.check(trace))
