"""Small payloads for the player's tests, written by hand or by the short scripts below; none is a recording.

Every function returns `(head, columns)` as `views.payload.Payload.pack` does. They show each panel and each state once;
that the real families fill them rightly is tested with the families.
"""

from __future__ import annotations

from array import array
from typing import Any

from schedlab.views.payload import (
    ANSWER,
    ASLEEP,
    IDLE,
    NONE16,
    POOLED,
    PREEMPTED,
    RUNNING,
    SCHEDULER,
    SPINNING,
    SWAPPED,
    THROTTLED,
    WAITING,
    WATCH,
    WRITE,
    Payload,
    unpack,
)

Packed = tuple[dict[str, Any], bytes]
US, MS = 1_000, 1_000_000

FAIR = '''def enqueue(self, task, cpu, why):
    self.place(task, cpu)
    cpu.tree.insert(task, key=task.deadline)

def dequeue(self, task, cpu, why):
    cpu.tree.remove(task)

@judgement
def eligible(self, cpu, task):
    """No more than its share so far?"""
    return task.vruntime <= cpu.average

def pick(self, cpu, prev):
    fair = [t for t in cpu.queue
            if self.eligible(cpu, t)]
    return min(fair, key=deadline)

def tick(self, cpu, curr):
    if curr.vruntime >= curr.deadline:
        curr.deadline = curr.vruntime + SLICE
        cpu.need_resched = True'''


class _Lanes:
    """Bars as they are met, lane by lane: `to` closes the bar before and opens one."""

    def __init__(self) -> None:
        self.bars: dict[int, list[list[int]]] = {}
        self.open: dict[int, tuple[int, int, int]] = {}

    def to(self, lane: int, at: int, task: int | None, state: int | None, closing: int | None = None) -> None:
        if lane in self.open:
            start, who, what = self.open.pop(lane)
            if at > start:
                self.bars.setdefault(lane, []).append([start, at - start, who, what if closing is None else closing])
        if state is not None:
            self.open[lane] = (at, NONE16 if task is None else task, state)

    def write(self, payload: Payload, end: int) -> None:
        for lane in list(self.open):
            self.to(lane, end, None, None)
        for lane, bars in sorted(self.bars.items()):
            start, length, task, state = zip(*bars, strict=True)
            payload.segments(lane, start, length, [None if t == NONE16 else t for t in task], state)


def _linux_words(p: Payload) -> dict[str, int]:
    """Kinds, reasons and the ruler of a fair class that compares deadlines."""
    kinds = {
        "wake": p.kind(
            "wake-up",
            "{who} wakes up and joins the queue.",
            small="The running task keeps the CPU until the next tick.",
            lit=[3],
            warm=[1, 2],
            mark="wake",
        ),
        "sleep": p.kind("sleep", "{who} has done its work and goes to sleep.", lit=[6], warm=[5]),
        "pick": p.kind(
            "decision",
            "{where} picks {who}: it alone is eligible, {0:|ms.3} behind the average V.",
            ask="{where} must choose. Who runs next?",
            value="{who}",
            lit=[16],
            warm=[11, 14, 15],
        ),
    }
    p.reason("runs")
    p.reason("not eligible", "{who} is {c0:|ms.3} ahead of V: it has had more than its share and must wait.")
    p.reason("{d1:ms.3} later", "{who} is eligible: its deadline is {d1:ms.3} later.")
    p.reason(
        "{d1:ms.3} later",
        "{who} is eligible and furthest behind, yet EEVDF compares deadlines: its deadline is {d1:ms.3} later.",
    )
    p.judge(
        "ruler",
        [
            {"name": "Ahead", "unit": "ms", "scale": MS, "digits": 3, "sign": True},
            {"name": "Deadline", "unit": "ms", "scale": MS, "digits": 3, "sign": True},
        ],
        dot=0,
        diamond=1,
        threshold=0,
        side="low",
        low="eligible",
        high="ahead of V: must wait",
        note="average V = {a:ms.3}",
    )
    return kinds


def _tree(p: Payload, event: int, waiting: list[int], tasks: list[int], deadline: list[int], average: int) -> None:
    """Up to three nodes: the middle one by deadline is the black root, the others are its red children."""
    order = sorted(waiting, key=lambda i: (deadline[i], i))
    root = len(order) // 2
    nodes = [
        (tasks[i], None if j == root else tasks[order[root]], j != root, int(j > root), deadline[i] - average)
        for j, i in enumerate(order)
    ]
    p.tree(event, nodes if len(order) <= 3 else [])


def linux_small(
    names: tuple[str, ...] = ("hog0", "hog1", "inter"),
    decisions: int = 40,
    slice_ns: int = 3 * MS,
    title: str = "EEVDF shares one CPU",
    forks: bool = True,
    shorter_from: int | None = None,
) -> Packed:
    """Two busy tasks and one that sleeps 10 ms and runs 1, under a toy of EEVDF with equal weights and a 1 ms tick."""
    end = decisions * 3 * MS + 20 * MS
    p = Payload("linux", title, "made by hand: two busy tasks and one that sleeps", end)
    tasks = [p.task(n) for n in names]
    cpu = p.lane("CPU 0")
    lane_of = [p.lane(n, "task", t) for t, n in zip(tasks, names, strict=True)]
    running_place, queue, asleep = p.place("on the CPU", "one"), p.place("waiting", "list"), p.place("asleep", "set")
    k = _linux_words(p)
    p.source("linux/eevdf.py", FAIR)
    p.panel("candidates")
    p.panel("tree", running=running_place, asleep=asleep, order="by deadline", scale=MS, digits=2, sign=True)
    p.panel("source")
    if forks:
        p.change("slice", "another slice", [{"id": "ms", "label": "ms", "type": "number", "min": 0.1, "value": 1}])
        p.change(
            "weight",
            "another weight",
            [
                {"id": "task", "label": "task", "type": "task", "value": 0},
                {"id": "nice", "label": "nice", "type": "choice", "options": [-5, 0, 5, 19], "value": 0},
            ],
        )
    bars = _Lanes()
    vruntime = [i * 200_000 + 41 for i in range(len(tasks))]
    deadline = [v + slice_ns for v in vruntime]
    ready = {0, 1} if len(tasks) > 1 else {0}
    sleeper = len(tasks) - 1 if len(tasks) > 2 else None
    ready |= set(range(2, len(tasks) - 1))
    curr: int | None = None
    worked, wake_at = 0, 10 * MS + 134_071
    for i, t in enumerate(tasks):
        bars.to(lane_of[i], 0, t, WAITING if i in ready else ASLEEP)
    now = 4754
    first = True
    made = 0
    while made < decisions and now < end - MS:
        if shorter_from is not None and now >= shorter_from:
            slice_ns = 2 * MS
        average = sum(vruntime[i] for i in ready) // max(1, len(ready))
        if first:
            for i in sorted(ready):
                event = p.event(now, k["wake"], who=tasks[i], lane=cpu)
                p.move(event, tasks[i], queue)
            if sleeper is not None:
                p.move(event, tasks[sleeper], asleep)
            first = False
        fair = [i for i in ready if vruntime[i] <= average] or sorted(ready)
        won = min(fair, key=lambda i: (deadline[i], i))
        event = p.event(now, k["pick"], lane=cpu, who=tasks[won], a=average)
        if curr is not None and curr != won:
            p.move(event, tasks[curr], queue)
        if curr != won:
            p.move(event, tasks[won], running_place)
        behind = min(ready, key=lambda i: vruntime[i])
        rows = []
        for i in sorted(ready):
            why = 0 if i == won else 1 if i not in fair else 3 if i == behind else 2
            rows.append((tasks[i], why, vruntime[i] - average, deadline[i] - average))
        p.decide(event, rows)
        made += 1
        _tree(p, event, [i for i in ready if i != won], tasks, deadline, average)
        others = [i for i in fair if i != won]
        if others:
            second = min(others, key=lambda i: (deadline[i], i))
            p.note(
                event,
                "{where} picks {who}: of {0} eligible tasks its deadline is the earliest, {1:ms.3} before {2:task}.",
                len(fair),
                deadline[second] - deadline[won],
                tasks[second],
            )
        else:
            p.note(event, None, vruntime[won] - average)
        late = [tasks[i] for i in sorted(ready) if i not in fair]
        if late:
            p.small(event, "Not eligible: {0:task}.", late)
        if curr != won:
            if curr is not None and curr in ready:
                bars.to(lane_of[curr], now, tasks[curr], WAITING, PREEMPTED)
            bars.to(cpu, now, tasks[won], RUNNING, PREEMPTED if curr in ready and curr is not None else None)
            bars.to(lane_of[won], now, tasks[won], RUNNING)
            curr = won
        # run until the next tick that has a reason to look again
        limit = min(end - 1, now + slice_ns)
        stop = min(limit, now + MS - worked) if won == sleeper else limit
        if sleeper is not None and sleeper not in ready and now < wake_at < stop:
            step = p.event(wake_at, k["wake"], who=tasks[sleeper], lane=cpu)
            ready.add(sleeper)
            vruntime[sleeper] = max(vruntime[sleeper], average)
            deadline[sleeper] = vruntime[sleeper] + 700_000
            p.move(step, tasks[sleeper], queue)
            _tree(p, step, [i for i in ready if i != curr], tasks, deadline, average)
            bars.to(lane_of[sleeper], wake_at, tasks[sleeper], WAITING)
            stop = (wake_at // MS + 1) * MS + 128_700
        vruntime[won] += stop - now
        if won == sleeper:
            worked += stop - now
        if vruntime[won] >= deadline[won]:
            deadline[won] = vruntime[won] + slice_ns
        now = stop
        if won == sleeper and worked >= MS:
            step = p.event(now, k["sleep"], who=tasks[won], lane=cpu)
            p.move(step, tasks[won], asleep)
            ready.discard(won)
            _tree(p, step, sorted(ready), tasks, deadline, average)
            bars.to(lane_of[won], now, tasks[won], ASLEEP)
            bars.to(cpu, now, None, None)
            worked, wake_at, curr = 0, now + 9 * MS + 994_000, None
    bars.write(p, end)
    return p.pack()


def one_task() -> Packed:
    """Nobody to share with."""
    return linux_small(names=("alone",), decisions=6)


def empty() -> Packed:
    """A scenario without tasks."""
    p = Payload("linux", "Nothing to do", "simulated: empty scenario", 0)
    p.lane("CPU 0")
    p.kind("tick", "A tick.")
    p.panel("candidates")
    p.panel("source")
    p.source("linux/eevdf.py", FAIR)
    return p.pack()


def one_event() -> Packed:
    """One task, one decision."""
    p = Payload("linux", "One event", "made by hand", 5 * MS)
    alone = p.task("alone")
    cpu = p.lane("CPU 0")
    lane = p.lane("alone", "task", alone)
    k = _linux_words(p)
    p.panel("candidates")
    p.panel("source")
    p.source("linux/eevdf.py", FAIR)
    event = p.event(MS, k["pick"], lane=cpu, who=alone, a=2 * MS)
    p.note(event, "{where} picks {who}: it alone could run.")
    p.decide(event, [(alone, 0, 0.0, 700_000.0)])
    for where in (cpu, lane):
        p.segments(where, [MS], [4 * MS], [alone], [RUNNING])
    return p.pack()


HOSTILE = (
    "<img src=x onerror=window.hacked=1>",
    "\u202egnp.exe",
    "n" * 300,
    "",
    "twin",
    "twin",
    "</script><script>window.hacked=2</script>",
    "tab\tnew\nline\x00\x1b[31m",
    "{who} {a:ms}",
)


def hostile_names() -> Packed:
    """Names that try to be markup, turn the text around, are long, empty or equal."""
    p = Payload(
        "linux", "<b>title</b> \u202e", 'made by hand: <i onmouseover="window.hacked=3">', 10 * MS * len(HOSTILE)
    )
    tasks = [p.task(n) for n in HOSTILE]
    cpu = p.lane("<u>CPU</u>")
    lanes = [p.lane(n, "task", t) for t, n in zip(tasks, HOSTILE, strict=True)]
    run, queue = p.place("<s>run</s>", "one"), p.place("que\u202eue")
    k = p.kind("de<b>cision", "{where} picks {who} before {other}: {0}.", value="{who}", lit=[2])
    p.reason("runs")
    p.reason("waits", "{who} waits behind {winner}.")
    p.judge("table", [{"name": "<em>key</em>", "digits": 0}])
    p.source("<x>.py", "def f():\n    return '</script><img onerror=window.hacked=4>'\n")
    p.panel("candidates")
    p.panel("queues", "<i>Queues</i>")
    p.panel("source")
    n = len(tasks)
    for i, t in enumerate(tasks):
        event = p.event(10 * MS * i, k, lane=cpu, who=t, other=tasks[(i + 1) % n])
        p.note(event, None, "<img src=x onerror=window.hacked=5>")
        if i == 0:
            for other in tasks[1:]:
                p.move(event, other, queue)
        else:
            p.move(event, tasks[i - 1], queue)
        p.move(event, t, run)
        p.decide(event, [(o, 0 if o == t else 1, o) for o in tasks])
    p.segments(cpu, [10 * MS * i for i in range(n)], [10 * MS] * n, tasks, [RUNNING] * n)
    for i, t in enumerate(tasks):
        p.segments(lanes[i], [10 * MS * i], [10 * MS], [t], [RUNNING])
    p.mark(2, "<b>rule</b>", "<img src=x onerror=window.hacked=6>")
    return p.pack()


def segments(n: int, lanes: int = 8, decisions: int = 5000, task_lanes: bool = False) -> Packed:
    """A load: `n` bars on `lanes` CPUs of twelve tasks, lengths by a small congruential generator; tick 10 ns."""
    each = n // lanes
    seed = 1
    rows = []
    for _ in range(lanes):
        start, length, task, state = array("Q"), array("Q"), array("H"), array("B")
        t = 0
        for _ in range(each):
            seed = seed * 48271 % 2147483647
            size = 20_000 + seed % 400_000
            start.append(t)
            length.append(size)
            task.append(seed // 7 % 12)
            state.append(PREEMPTED if seed % 10 < 3 else RUNNING)
            t += size + (100_000 if seed % 11 == 0 else 0)
        rows.append((start, length, task, state))
    end = max(int(r[0][-1] + r[1][-1]) for r in rows)
    p = Payload("linux", f"{n:,} segments", "made by hand: a load", end)
    for i in range(12):
        p.task(f"task {i}")
    for lane in range(lanes):
        p.lane(f"CPU {lane}")
    if task_lanes:
        for i in range(12):
            p.lane(f"task {i}", "task", i)
    p.kind("tick", "A tick on {where}: {a:ms.3} so far.")
    k = p.kind("decision", "{where} picks {who}.")
    for lane, row in enumerate(rows):
        p.segments(lane, *row)
    count = min(n, 1_000_000) if n > 200_000 else decisions
    at = [end * i / count for i in range(count)]
    p.events(
        at,
        [k if i % 3 == 0 else 0 for i in range(count)],
        flags=[1 if i % 3 == 0 else 0 for i in range(count)],
        lane=[i % lanes for i in range(count)],
        who=[i % 12 for i in range(count)],
        a=at,
    )
    return p.pack()


def many_candidates(n: int = 47, form: str = "table", above: float = 0) -> Packed:
    """One decision among many, in the form asked for: table, ruler, terms or bitmap."""
    p = Payload("linux", f"{n} candidates", "made by hand", 100 * MS)
    tasks = [p.task(f"task{i}") for i in range(n)]
    cpu = p.lane("CPU 0")
    active = p.place("active", "levels", count=140, lane=cpu)
    expired = p.place("expired", "levels", count=140, lane=cpu)
    run = p.place("on the CPU", "one", lane=cpu)
    k = p.kind("decision", "{where} picks {who}, the first of level {a:.0}.", value="{who}", lit=[2])
    p.reason("runs")
    p.reason("level {c0:.0}", "{who} stands at level {c0:.0}, {winner} at {w0:.0}.")
    columns = [{"name": "Level", "digits": 0}, {"name": "Counter", "digits": 0}, {"name": "Same mm", "digits": 0}]
    if form == "bitmap":
        p.judge(form, columns, level=0, size=140)
    elif form == "terms":
        p.judge(form, columns, terms=[1, 0, 2])
    elif form == "ruler":
        p.judge(form, columns, dot=0)
    else:
        p.judge("table", columns)
    p.source("linux/o1.py", "def pick(self, cpu, prev):\n    return cpu.active.first()\n")
    p.panel("candidates")
    p.panel("queues", places=[run, active, expired])
    p.panel("source")
    levels = [100 + (i * 7) % 40 for i in range(n)]
    before = 0
    for step in range(min(n, 10)):
        order = sorted(range(n), key=lambda i: (levels[i], i))
        won = order[0]
        event = p.event(step * 10 * MS, k, lane=cpu, who=tasks[won], a=levels[won])
        if step == 0:
            for i in order[1:]:
                p.move(event, tasks[i], active + levels[i])
        else:
            ran = p.holds(run)[0]
            p.move(event, ran, expired + before)
        p.move(event, tasks[won], run)
        p.decide(event, [(tasks[i], 0 if i == won else 1, above + levels[i], 20 - i % 20, i % 2) for i in range(n)])
        before, levels[won] = levels[won], 139
    p.segments(
        cpu,
        [s * 10 * MS for s in range(min(n, 10))],
        [10 * MS] * min(n, 10),
        [s % n for s in range(min(n, 10))],
        [PREEMPTED] * min(n, 10),
    )
    return p.pack()


def slots() -> Packed:
    """Sixty-four slots and a list: the oldest queues."""
    p = Payload("linux", "Sixty-four slots", "made by hand: the table of the first kernel", 60 * MS)
    tasks = [p.task(n) for n in ("init", "sh", "cc", "update")]
    cpu = p.lane("CPU 0")
    table = p.place("task[64]", "slots", size=64)
    queue = p.place("run queue", "list")
    k = p.kind("decision", "{where} picks {who}: its counter, {a:.0}, is the largest.", value="{who}", lit=[3])
    p.reason("runs")
    p.reason("counter {c0:.0}", "{who} has {c0:.0} left, {winner} {w0:.0}.")
    p.judge("terms", [{"name": "Counter", "digits": 0}, {"name": "Priority", "digits": 0}], terms=[0, 1])
    p.panel("candidates")
    p.panel("queues")
    p.panel("source")
    p.source(
        "linux/v0.py", "def pick(self, cpu, prev):\n    for task in reversed(self.slots):\n        largest(task)\n"
    )
    counters = [15, 12, 9, 3]
    for step in range(6):
        won = max(range(4), key=lambda i: (counters[i], -i))
        event = p.event(step * 10 * MS, k, lane=cpu, who=tasks[won], a=counters[won])
        if step == 0:
            for i, t in enumerate(tasks[:3]):
                p.move(event, t, table, i)
            p.move(event, tasks[3], queue)
        p.decide(event, [(tasks[i], 0 if i == won else 1, counters[i], 15) for i in range(4)])
        counters[won] -= 5
    p.segments(cpu, [0, 10 * MS], [10 * MS, 50 * MS], [0, 1], [PREEMPTED, RUNNING])
    return p.pack()


def palette() -> Packed:
    """Twelve tasks, one bar each: every colour and pattern with its name on it."""
    p = Payload("linux", "Twelve", "made by hand", 120 * MS)
    tasks = [p.task(f"task {n}") for n in range(12)]
    cpu = p.lane("CPU 0")
    k = p.kind("decision", "{where} picks {who}.")
    for n, task in enumerate(tasks):
        p.event(n * 10 * MS, k, lane=cpu, who=task)
    p.segments(cpu, [n * 10 * MS for n in range(12)], [10 * MS] * 12, tasks, [RUNNING] * 12)
    return p.pack()


def marks_of_bars() -> Packed:
    """Every state that a bar can have, on a P's lane and on a task's."""
    p = Payload("linux", "States", "made by hand", 200 * MS)
    task = p.task("worker")
    cpu, lane = p.lane("CPU 0"), p.lane("worker", "task", task)
    k = p.kind("tick", "A tick.")
    p.event(0, k, lane=cpu)
    p.event(80 * MS, k, lane=cpu)
    states = [RUNNING, PREEMPTED, SPINNING, SCHEDULER, IDLE, RUNNING, THROTTLED, WAITING]
    at = [20 * MS * i for i in range(8)]
    p.segments(cpu, at[:6], [20 * MS] * 6, [task, task, None, None, None, task], states[:6])
    of_task = [RUNNING, PREEMPTED, WAITING, ASLEEP, ASLEEP, RUNNING, THROTTLED, WAITING, SWAPPED, POOLED]
    p.segments(lane, [20 * MS * i for i in range(10)], [20 * MS] * 10, [task] * 10, of_task)
    return p.pack()


STEALING = """def ready(self, p, g):
    kicked, p.next = p.next, g
    if kicked:
        p.queue.append(kicked)
    self.wake_spinner()

def find_runnable(self, p):
    if p.next:
        return p.take_next()
    if p.queue:
        return p.queue.popleft()
    if self.global_queue:
        return self.take_global(p)
    for victim in self.steal_order(p):
        half = victim.give_half()
        if half:
            *keep, run = half
            p.queue.extend(keep)
            return run
    return None    # park"""


def go_small(goroutines: int = 11, ps: int = 4) -> Packed:
    """A main goroutine starts others; idle Ps spin, then steal half. A short script with fixed victims' order."""
    end = 64 * US
    p = Payload("go", "Go steals work", f"made by hand: {ps} Ps, {goroutines} goroutines", end, unit="us", digits=1)
    tasks = [p.task(f"G{i + 1}", str(i + 1)) for i in range(goroutines)]
    lanes = [p.lane(f"P{i}") for i in range(ps)]
    run = [p.place(f"P{i} running", "one", lane=lanes[i]) for i in range(ps)]
    nxt = [p.place(f"P{i} next", "one", lane=lanes[i]) for i in range(ps)]
    queue = [p.place(f"P{i} queue", "list", lane=lanes[i]) for i in range(ps)]
    globl, blocked = p.place("global queue", "list"), p.place("blocked", "set")
    k = {
        "start": p.kind("start", "{where} runs {who}, the main goroutine."),
        "create": p.kind("create", "{other} starts {who}, which becomes {where}’s next.", lit=[2], warm=[3, 4]),
        "spin": p.kind("spin", "There is work and nobody is looking for it: {where} wakes and spins.", lit=[5]),
        "steal": p.kind(
            "steal",
            "{where} takes {0} of the {1} goroutines waiting at {2:lane}, half rounded up, and runs {who}.",
            small="Looked in order: {3}.",
            lit=[15],
            warm=[14, 16, 17, 18, 19],
        ),
        "next": p.kind(
            "next", "{where} runs {who} from its next slot, ahead of its queue.", value="{who}", lit=[9], warm=[8]
        ),
        "local": p.kind("local", "{where} runs {who}, the first of its own queue.", value="{who}", lit=[11], warm=[10]),
        "exit": p.kind("exit", "{who} is done. {where} looks for its next goroutine."),
        "block": p.kind("block", "{who} waits for the channel and leaves {where}."),
        "park": p.kind("park", "{where} finds nothing anywhere and goes to sleep.", lit=[20], warm=[14]),
    }
    p.source("golang/stealing.py", STEALING)
    p.panel(
        "processors",
        rows=[
            {"name": f"P{i}", "lane": lanes[i], "running": run[i], "next": nxt[i], "queue": queue[i]} for i in range(ps)
        ],
        below=[globl, blocked],
    )
    p.panel("source")
    bars = _Lanes()
    decided = 1  # the decision flag: no numbers go with these

    def note_run(event: int, i: int, who: int, at: int) -> None:
        p.move(event, who, run[i])
        p.mode(event, lanes[i], RUNNING, f"M{i}")
        bars.to(lanes[i], at, who, RUNNING)

    e = p.event(0, k["start"], lane=lanes[0], who=tasks[0])
    for i in range(1, ps):
        p.mode(e, lanes[i], IDLE, f"M{i}")
    note_run(e, 0, tasks[0], 0)
    at = 1000
    for g in tasks[1:]:
        e = p.event(at, k["create"], lane=lanes[0], who=g, other=tasks[0])
        for kicked in p.holds(nxt[0]):
            p.move(e, kicked, queue[0])
        p.move(e, g, nxt[0])
        if at == 2000:
            e = p.event(at, k["spin"], lane=lanes[1])
            p.mode(e, lanes[1], SPINNING, "M1")
            bars.to(lanes[1], at, None, SPINNING)
        at += 1000
    for thief in range(1, ps):
        at += 600
        if thief > 1:
            e = p.event(at, k["spin"], lane=lanes[thief])
            p.mode(e, lanes[thief], SPINNING, f"M{thief}")
            bars.to(lanes[thief], at, None, SPINNING)
            at += 3000
        victim = 0
        had = p.holds(queue[victim])
        n = (len(had) + 1) // 2
        taken = had[:n]
        e = p.event(at, k["steal"], lane=lanes[thief], who=taken[-1], flags=decided)
        p.line(e, 15, f"{n} of {len(had)}")
        for warm in (14, 16, 17, 18, 19):
            p.line(e, warm, warm=True)
        p.note(e, None, n, len(had), lanes[victim])
        p.small(e, "Looked in order: {0:lane}.", [lanes[victim]])
        for g in taken[:-1]:
            p.move(e, g, queue[thief])
        note_run(e, thief, taken[-1], at)
    at += 2000
    e = p.event(at, k["block"], lane=lanes[0], who=tasks[0])
    p.move(e, tasks[0], blocked)
    bars.to(lanes[0], at, None, SCHEDULER)
    while at < end - 6000:
        busy = False
        for i in range(ps):
            at += 700
            running = p.holds(run[i])
            if running:
                e = p.event(at, k["exit"], lane=lanes[i], who=running[0])
                p.move(e, running[0], None)
                bars.to(lanes[i], at, None, SCHEDULER)
            for source, kind in ((nxt[i], "next"), (queue[i], "local")):
                held = p.holds(source)
                if held:
                    e = p.event(at + 300, k[kind], lane=lanes[i], who=held[0], flags=decided)
                    note_run(e, i, held[0], at + 300)
                    busy = True
                    break
            else:
                if running:
                    e = p.event(at + 400, k["park"], lane=lanes[i])
                    p.mode(e, lanes[i], IDLE, f"M{i}")
                    bars.to(lanes[i], at + 400, None, IDLE)
            at += 2500
        if not busy:
            break
    bars.write(p, end)
    return p.pack()


ACTORS = (
    ("kubectl", "kubectl", "kubectl"),
    ("apiserver", "api", "the apiserver"),
    ("etcd", "etcd", "etcd"),
    ("deployment-ctl", "deploy", "the deployment controller"),
    ("replicaset-ctl", "replica", "the ReplicaSet controller"),
    ("scheduler", "sched", "the scheduler"),
    ("kubelet node-2", "kubelet", "the kubelet on node-2"),
)


def kube_small() -> Packed:
    """A Deployment becomes a pod: thirty-odd messages written down by hand, with one conflict and its retry."""
    end = 140 * MS
    p = Payload("kube", "How a pod is made", "made by hand: 36 messages", end, digits=2)
    objects = [p.task(n, n[0]) for n in ("Deployment web", "ReplicaSet web-1", "Pod web-1-x")]
    lanes = [p.lane(a[0]) for a in ACTORS]
    spots = [(0.15, 0.1), (0.5, 0.5), (0.5, 0.9), (0.85, 0.1), (0.85, 0.5), (0.85, 0.9), (0.15, 0.9)]
    actors = [p.actor(a[0], a[1], spots[i]) for i, a in enumerate(ACTORS)]
    stored = [
        p.stored(o, task=t) for o, t in zip(("Deployment web", "ReplicaSet web-1", "Pod web-1-x"), objects, strict=True)
    ]
    status = {code: p.status(code, text) for code, text in ((200, "OK"), (201, "Created"), (409, "Conflict"))}
    kinds = [
        p.kind("request", "{who} asks the apiserver: {0}.", who="actor"),
        p.kind("answer", "The apiserver answers {who}: {0}.", who="actor"),
        p.kind("etcd write", "The apiserver writes {0} to etcd: revision {1}, version {2}.", who="actor"),
        p.kind("watch event", "The watch tells {who}: {0} at revision {1}.", who="actor"),
    ]
    p.panel("graph")
    p.panel("sequence")
    p.panel("objects")
    revision, version = 134, [0, 0, 0]
    at = 0
    rows: list[tuple[int, int, str, int]] = []  # who, object, verb, code
    rows = [(0, 0, "create", 201), (3, 1, "create", 201), (3, 0, "update status", 200), (3, 0, "update status", 409)]
    rows += [(3, 0, "update status", 200), (4, 2, "create", 201), (5, 2, "bind", 201), (6, 2, "patch status", 200)]
    rows += [(4, 1, "update status", 200)]
    bars: dict[int, list[tuple[int, int, int]]] = {}
    open_: list[tuple[int, int]] = []
    for who, which, verb, code in rows:
        name = p.head["objects"][which]["name"]
        begin = at
        e = p.event(at, kinds[0], lane=lanes[who], who=actors[who])
        p.note(e, None, f"{verb} {name}")
        m = p.message(e, e, actors[who], actors[1], f"{verb} {name.split()[0]}")
        open_.append((m, e))
        at += 3 * MS
        if code != 409:
            revision += 1
            version[which] += 1
            e = p.event(at, kinds[2], lane=lanes[2], who=actors[2])
            p.note(e, None, name, revision, version[which])
            p.message(e, e, actors[1], actors[2], f"rev {revision}", WRITE)
            says = ("3 wanted", "3 wanted", ["", "Pending", "Pending, on node-2", "Running"][min(3, version[2])])[which]
            whole = f"kind: {name.split()[0]}\nname: {name.split()[1]}\nrevision: {revision}\nstatus: {says}"
            p.write(e, stored[which], revision, version[which], says, whole)
            bars.setdefault(2, []).append((at - 150_000, 400_000, objects[which]))
            at += MS
        e = p.event(at, kinds[1], lane=lanes[1], who=actors[who])
        words = {200: "200 OK", 201: "201 Created", 409: "409 Conflict"}[code]
        p.note(e, None, words)
        if code == 409:
            p.small(
                e, "The write named a revision that is no longer the newest; the controller reads again and retries."
            )
        p.message(e, e, actors[1], actors[who], "", ANSWER, status[code])
        p.answered(m, e)
        bars.setdefault(who, []).append((begin, at - begin, objects[which]))
        bars.setdefault(1, []).append((begin, at - begin, objects[which]))
        if code != 409:
            watcher = {0: 3, 1: 4, 2: 5 if version[2] == 1 else 6}[which]
            at += 2 * MS
            e = p.event(at, kinds[3], lane=lanes[watcher], who=actors[watcher])
            verb_ = "ADDED" if version[which] == 1 else "MODIFIED"
            p.note(e, None, f"{name} {verb_}", revision)
            p.small(e, "Its time is inferred from what follows.")
            p.message(e, e, actors[1], actors[watcher], f"{verb_} {name.split()[0]} {revision}", WATCH)
        at += 4 * MS
    for lane, list_ in bars.items():
        start, length, who_ = zip(*list_, strict=True)
        p.segments(lanes[lane], start, length, who_, [RUNNING] * len(list_))
    p.view(0, 100 * MS)
    return p.pack()


def flights() -> Packed:
    """Nine requests in flight at once, one of them lost, and an answer with an error."""
    p = Payload("kube", "In flight", "made by hand", 20 * MS, digits=2)
    p.task("Pod a", "P")
    actors = [p.actor(a[0], a[1]) for a in ACTORS]
    lanes = [p.lane(a[0]) for a in ACTORS]
    ask = p.kind("request", "{who} asks {other}.", who="actor", other="actor")
    got = p.kind("receive", "{other} has it from {who}.", who="actor", other="actor")
    bad = p.status(500, "Internal Error")
    p.panel("graph")
    p.panel("sequence")
    n = 9
    for i in range(n):
        who = [0, 3, 4, 5, 6][i % 5]
        p.event(i * MS, ask, lane=lanes[who], who=actors[who], other=actors[1])
    for i in range(n):
        who = [0, 3, 4, 5, 6][i % 5]
        p.event((10 + i) * MS, got, lane=lanes[1], who=actors[who], other=actors[1])
    for i in range(n):
        who = [0, 3, 4, 5, 6][i % 5]
        p.message(i, n + i if i != 4 else None, actors[who], actors[1], f"get Pod {i}", code=None)
    e = p.event(19 * MS, got, lane=lanes[0], who=actors[1], other=actors[0])
    p.message(e, e, actors[1], actors[0], "", ANSWER, bad)
    p.segments(lanes[1], [0], [20 * MS], [0], [RUNNING])
    return p.pack()


def nodes() -> Packed:
    """A pod is placed: nodes × plugins, refusals first."""
    p = Payload("kube", "Where a pod goes", "made by hand", 10 * MS)
    pod = p.task("Pod web", "P")
    lane = p.lane("scheduler")
    named = [p.name(f"node-{i}") for i in range(5)]
    k = p.kind(
        "schedule",
        "{where} puts {who} on {other}: the highest total, {a:.0}.",
        other="name",
        ask="Where does {who} go?",
    )
    p.reason("chosen")
    p.reason("NodeResourcesFit: Insufficient cpu", "{who} does not fit: NodeResourcesFit says Insufficient cpu.")
    p.reason("{d2:|.0} lower", "{who} has {c2:.0}, {winner} {w2:.0}.")
    p.judge(
        "nodes",
        [{"name": "LeastAllocated", "digits": 0}, {"name": "Balanced", "digits": 0}, {"name": "Total", "digits": 0}],
        of="name",
        total=2,
        title="Node",
    )
    p.panel("candidates", "Which nodes fit, and how well")
    e0 = p.event(0, p.kind("arrive", "{who} waits for a node."), who=pod, lane=lane)
    assert e0 == 0
    nan = float("nan")
    e = p.event(5 * MS, k, lane=lane, who=pod, other=named[3], a=170)
    rows: list[tuple[float, ...]] = [
        (named[0], 2, 60, 80, 140),
        (named[1], 1, nan, nan, nan),
        (named[2], 2, 40, 90, 130),
    ]
    p.decide(e, [*rows, (named[3], 0, 90, 80, 170), (named[4], 1, nan, nan, nan)])
    p.segments(lane, [0], [10 * MS], [pod], [RUNNING])
    return p.pack()


def unexplained() -> Packed:
    """Decisions whose candidates were not sent: Python must be asked."""
    p = Payload("linux", "Not explained", "simulated: by hand", 30 * MS)
    a, b = p.task("a"), p.task("b")
    cpu = p.lane("CPU 0")
    k = p.kind("decision", "{where} picks {who}.")
    p.reason("runs")
    p.reason("waits")
    p.judge("table", [{"name": "Key"}])
    p.panel("candidates")
    for i in range(3):
        p.event(i * 10 * MS, k, lane=cpu, who=(a, b)[i % 2], flags=1)
    p.segments(cpu, [0, 10 * MS, 20 * MS], [10 * MS] * 3, [a, b, a], [RUNNING] * 3)
    return p.pack()


def compare() -> tuple[Packed, Packed, dict[str, Any]]:
    """A, B and what is between them: the same run with a shorter slice from 30 ms on. The first difference is found."""
    a, b = linux_small(), linux_small(shorter_from=30 * MS)
    ca, cb = unpack(*a), unpack(*b)
    names = [f"events.{n}" for n in ("at", "kind", "who", "lane")]
    n = min(len(ca["events.at"]), len(cb["events.at"]))
    prefix = next((i for i in range(n) if any(ca[c][i] != cb[c][i] for c in names)), n)
    waits = [
        max(n for n, s in zip(c["segments.length"], c["segments.state"], strict=True) if s == WAITING) for c in (ca, cb)
    ]
    bars = [c["lane_first"][1] for c in (ca, cb)]
    totals: list[dict[str, Any]] = [
        {"name": "bars of CPU 0", "a": bars[0], "b": bars[1], "unit": "", "digits": 0},
        {"name": "longest wait", "a": waits[0] / MS, "b": waits[1] / MS, "unit": "ms", "digits": 3},
    ]
    return a, b, {"prefix": prefix, "differ_a": prefix, "differ_b": prefix, "totals": totals}


def broken_rules() -> Packed:
    """A run with three failed rules and their bars outlined."""
    head, columns = linux_small()
    marks = [
        {"event": e, "rule": "nobody waits longer than 5 ms", "say": f"hog{k} waited {5.1 + k} ms", "time": None}
        for k, e in enumerate((9, 20, 31))
    ]
    return {**head, "marks": [{key: v for key, v in m.items() if v is not None} for m in marks]}, columns
