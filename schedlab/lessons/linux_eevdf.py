"""Part 2, lesson 17: EEVDF. One CPU of a machine with eight, so that the numbers are whole milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import Any

from schedlab.exercises import Diagnosis, Exercise
from schedlab.goals import latency, longest_waits, segments, shares, switches
from schedlab.laws import Law, Violation
from schedlab.lessons.files import data
from schedlab.lessons.listing import Elsewhere
from schedlab.linux.eevdf import EEVDF, EevdfRq, EEVDFTask
from schedlab.linux.real.compared import play as replayed
from schedlab.linux.real.compared import trace_of
from schedlab.linux.real.recorded import read_recording
from schedlab.scenario import Scenario, duration
from schedlab.sim import MS
from schedlab.trace import Trace
from schedlab.views.charts import Chart, line
from schedlab.widgets.quiz import Option, Question
from schedlab.words import fill

BASE_SLICE = 3 * MS  # what a machine with eight CPUs gives whoever asks for nothing
HZ = {"hz": 1000}
CFS_OF_EIGHT = {"latency": 24 * MS, "min_granularity": 3 * MS, "wakeup_granularity": 4 * MS}


class EEVDF_6_12(EEVDF):
    """EEVDF that a learner can play: its candidates stand in an order that says nothing."""

    def candidates(self, cpu: Any, prev: Any) -> Iterable[tuple[Any, ...]]:
        """Everybody who is queued, in the order of creation: an order of deadlines would give the answer away."""
        return sorted(super().candidates(cpu, prev), key=lambda one: one[0].id)


COMPILER, ARCHIVER, GAME = ({"name": name} for name in ("compiler", "archiver", "game"))
EDITOR = {"name": "editor", "nice": -5, "does": [{"repeat": [{"sleep": "10ms"}, {"run": "1ms"}]}]}


def asking(tasks: list[dict[str, Any]], title: str, until: str = "80ms", **asks: int | str) -> Scenario:
    """These tasks under EEVDF, some of which ask for a slice of their own."""
    tasks = [{**task, "slice": asks[task["name"]]} if task["name"] in asks else task for task in tasks]
    return Scenario(EEVDF_6_12, tasks, until=until, machine=HZ, options={"base_slice": BASE_SLICE}, title=title)


def backup(nap: int | str, scheduler: str = "eevdf", until: str = "2s") -> Scenario:
    """A backup that naps after every 3 ms of work, beside two tasks that compute."""
    napper = {"name": "backup", "does": [{"repeat": [{"run": "3ms"}, {"sleep": nap}]}]}
    kernel = {"eevdf": "6.12", "eevdf-6.6": "6.6"}[scheduler]
    return Scenario(
        scheduler,
        [COMPILER, ARCHIVER, napper],
        until=until,
        machine=HZ,
        options={"base_slice": BASE_SLICE},
        title=f"Linux {kernel}: a backup that naps",
    )


def kernel(model: bool) -> Trace:
    """Two hogs and a sleeper on a real 6.12, or the model's run of them."""
    recorded = read_recording(data("linux/6.12-eevdf/w03_inter.json"))
    trace = trace_of(recorded, replayed(recorded)) if model else trace_of(recorded)
    trace.about["title"] = "The model of 6.12" if model else "Linux 6.12, recorded"
    return trace


RUNS: dict[str, Any] = {
    "hook": asking([GAME, COMPILER, ARCHIVER], "A game that asks for 1 ms at a time", game="1ms"),
    "tiny": asking([GAME, COMPILER, ARCHIVER], "The game asks for 0.1 ms", game="100us"),
    "game": asking(
        [ARCHIVER, GAME, {"name": "music"}, COMPILER],
        "You are the scheduler",
        until="24ms",
        game="1ms",
        music="1500us",
        archiver="7ms",
    ),
    "cfs": Scenario(
        "cfs", [COMPILER, ARCHIVER, EDITOR], until="80ms", machine=HZ, options=CFS_OF_EIGHT, title="Under CFS"
    ),
    "late": asking([COMPILER, ARCHIVER, EDITOR], "Under EEVDF, the editor asks for nothing"),
    "prompt": asking([COMPILER, ARCHIVER, EDITOR], "Under EEVDF, the editor asks for 0.5 ms", editor="500us"),
    "debt-6.6": backup("5ms", "eevdf-6.6", until="80ms"),
    "debt": backup("5ms", until="80ms"),
    "kernel": partial(kernel, model=False),
    "model": partial(kernel, model=True),
}

# -- knobs -----------------------------------------------------------------------------------------------

REQUESTS = ("0.1ms", "0.5ms", "1ms", "2ms", "3ms", "5ms", "10ms")


@cache
def game_asks(request: int | str, hz: int) -> tuple[float, int, int]:
    """The game's share, its longest wait in ns, and the switches a second, when it asks for so many ns."""
    run = asking([GAME, COMPILER, ARCHIVER], "", until="6s", game=request).but(machine={"hz": hz}).run()
    return shares(run)["game"], longest_waits(run)["game"], switches(run) // 6


def requests(request: int | str, hz: int = 1000) -> tuple[dict[str, Any], Chart]:
    """What the game gets and how long it waits when it asks for so many ns, and for all requests at once."""
    share, wait, number = game_asks(request, hz)
    facts = {
        "the game gets": fill("{share:%.0} of the CPU", {"share": share}),
        "it waits at most": fill("{wait:dur}", {"wait": wait}),
        "switches a second": str(number),
    }
    points = [duration(one, "request") for one in REQUESTS]
    series = {
        f"{ticks} ticks a second": [(one / MS, game_asks(one, ticks)[1] / MS) for one in points]
        for ticks in (250, 1000)
    }
    return facts, line(
        series,
        title="How long the game waits",
        x="slice it asks for, ms",
        y="longest wait, ms",
        at=duration(request, "request") / MS,
    )


def served(scheduler: str) -> str:
    """How long the editor waits after its wake-ups in 2 s, in a line: "cfs", "late" or "prompt"."""
    run = RUNS[scheduler].but(until="2s").run()
    says = "{title}: {number} wake-ups, median wait {median:dur}, 95 of 100 within {p95:dur}"
    return fill(says, {"title": RUNS[scheduler].title, **latency(run, ["editor"])._asdict()})


NAPS = ("0.1ms", "1ms", "2ms", "5ms", "10ms", "20ms", "50ms")


@cache
def debts(nap: int | str, scheduler: str) -> tuple[float, int]:
    """The backup's share in 2 s, and its median wait, ns."""
    run = backup(nap, scheduler).run()
    return shares(run)["backup"], latency(run, ["backup"]).median or 0


def napping(nap: int | str) -> tuple[dict[str, Any], Chart]:
    """What a backup gets that naps so many ns after every 3 ms of work, under 6.6 and 6.12."""
    kernels = {"6.6": "eevdf-6.6", "6.12": "eevdf"}
    facts: dict[str, Any] = {}
    for name, scheduler in kernels.items():
        share, wait = debts(nap, scheduler)
        facts[f"Linux {name}"] = fill("{share:%.0} of the CPU, median wait {wait:dur}", {"share": share, "wait": wait})
    points = [duration(one, "nap") for one in NAPS]
    series = {
        f"Linux {name}": [(one / MS, debts(one, scheduler)[1] / MS) for one in points]
        for name, scheduler in kernels.items()
    }
    return facts, line(
        series,
        title="How long the backup waits",
        x="nap after 3 ms of work, ms",
        y="median wait, ms",
        at=duration(nap, "nap") / MS,
    )


# -- questions -------------------------------------------------------------------------------------------

PREDICTIONS = {
    "share": Question(
        "The game asks for 0.1 ms at a time instead of 1 ms. What share of the CPU does it get then?",
        (
            Option(
                "More than a third",
                "Its deadlines come earlier, but once it has run it is ahead of V, and not eligible.",
                idea="a shorter slice gets more CPU",
            ),
            Option(
                "A third",
                "All three weigh the same, and V sees to it. A request decides when, not how much.",
                right=True,
            ),
            Option(
                "Less than a third",
                "It asks for less at a time, and may ask more often.",
                idea="a slice is a share",
            ),
        ),
    ),
}

QUESTIONS: tuple[Question, ...] = (
    Question(
        "Two tasks wait. One has the earlier virtual deadline, but its vruntime is ahead of V. Who runs?",
        (
            Option(
                "The one with the earlier deadline",
                "That would be EDF. Here only the eligible are compared, and who is ahead of V is not.",
                idea="EEVDF is EDF",
            ),
            Option("The other one", "It is eligible, and the only one that is.", right=True),
            Option("Nobody, until V catches up", "Somebody is always at V or behind it, so the CPU never waits."),
        ),
    ),
    Question(
        "Three tasks of nice 0 have vruntimes of 4, 6 and 8 ms. Who is eligible?",
        (
            Option(
                "The one at 4 only",
                "V is 6, and who stands exactly at V has had no more than its share.",
                idea="only who is behind is eligible",
            ),
            Option("Those at 4 and at 6", "V = 18 / 3 = 6 ms; at V or behind it is eligible.", right=True),
            Option("All three", "The one at 8 is 2 ms ahead of V."),
        ),
    ),
    Question(
        "A program asks for slices of 0.5 ms instead of the usual 3 ms, and always computes. What changes?",
        (
            Option(
                "It gets six times as much CPU",
                "Its deadline is earlier, but V moves on with its weight, which is the same.",
                idea="a shorter slice gets more CPU",
            ),
            Option("It is served sooner, for a shorter time", "Its share stays what it was.", right=True),
            Option("Nothing: the kernel decides slices", "Since 6.12 a task may ask, with sched_setattr()."),
        ),
    ),
    Question(
        "Linux 6.12: a task has had 2 ms too much, and goes to sleep for 0.1 ms. What happens?",
        (
            Option(
                "It leaves the queue, and returns with its debt forgotten",
                "Then a nap would pay for everything.",
                idea="a sleep pays every debt",
            ),
            Option(
                "It stays in the queue until it is eligible, and waits as long as if it had not slept",
                "A delayed dequeue: time pays the debt, a nap does not.",
                right=True,
            ),
            Option("It leaves, and its debt waits for it however long it sleeps", "That was 6.6."),
        ),
    ),
    Question(
        "A kernel with 250 ticks a second, and everybody computes. A task asks for 0.1 ms. How long are its turns?",
        (
            Option(
                "0.1 ms",
                "The kernel finds out at the next tick that the request is fulfilled.",
                idea="a slice ends to the nanosecond",
            ),
            Option("4 ms", "From tick to tick: 1000 / 250.", right=True),
            Option("3 ms", "The usual request; but only a tick ends it, and those stand 4 ms apart."),
        ),
    ),
)

ELSEWHERE = (
    Elsewhere("15", "CFS has vruntime, too, but no deadline: what does nice decide there that a slice decides here?"),
    Elsewhere("25", "A goroutine cannot ask for a slice at all: what does Go do for one that should be served soon?"),
)

# -- the exercise ----------------------------------------------------------------------------------------


class Choosing(EEVDF_6_12):
    """EEVDF but for one question, which is yours: `choose`."""

    def choose(self, queued: list[Any], queue: EevdfRq) -> Any:
        """One of these tasks. They have `vruntime` and `deadline`, ns; `queue.eligible(task)` says if one is."""
        raise NotImplementedError("write choose(self, queued, queue)")

    def pick_eevdf(self, rq: EevdfRq) -> Any:
        """Whose request is still open runs on; else you choose."""
        curr = rq.curr if rq.curr is not None and rq.curr.on_rq else None
        if curr is not None and rq.eligible(curr) and self.protected(curr):
            return curr
        queued = sorted([*rq.tree, *([curr] if curr is not None else [])], key=lambda task: task.id)
        chosen = self.choose(list(queued), rq)
        if not any(chosen is task for task in queued):
            raise ValueError(f"choose must return one of the tasks in queued, not {chosen!r}")
        return chosen


LONG = "20ms"  # what the compiler and the archiver ask for in the exercise
AHEAD = {"game": 2 * MS, "compiler": 21 * MS, "archiver": 21 * MS}  # a request and a tick
SOON = 21 * MS  # the game waits for one long request, not for two


def ahead(trace: Trace) -> Iterator[Violation]:
    """Who has had more than an equal share by more than a request and a tick."""
    names = trace.names["task"]
    had = dict.fromkeys(AHEAD, 0)
    for one in segments(trace):
        name = names[one.task]
        if name not in had:
            continue
        had[name] += one.stop - one.start
        extra = had[name] - one.stop // len(had)
        if extra > AHEAD[name]:
            says = fill("{name} is {extra:dur} ahead of an equal share", {"name": name, "extra": extra})
            yield Violation(one.stop, max(trace.index_at(one.stop) - 1, 0), "ahead", says)
            return


def game_is_soon(trace: Trace) -> Iterator[Violation]:
    """The game's first wait that was too long."""
    names = trace.names["task"]
    last = 0
    for one in [*(one for one in segments(trace) if names[one.task] == "game"), None]:
        start = trace.end if one is None else one.start
        if start - last > SOON:
            says = fill("the game waits for {ns:dur}", {"ns": start - last})
            yield Violation(last, max(trace.index_at(last) - 1, 0), "soon", says)
            return
        last = start if one is None else one.stop


def probe(answer: Any, *tasks: tuple[int, int]) -> int:
    """Which of these tasks, given as (vruntime, deadline) in ms, an answer chooses; -1 if it fails."""
    rq, made = EevdfRq(), []
    rq.min_vruntime = 0
    for number, (vruntime, deadline) in enumerate(tasks):
        task = EEVDFTask(number + 1, f"task{number + 1}")
        task.vruntime, task.deadline, task.on_rq = vruntime * MS, deadline * MS, True
        rq.insert(task)
        rq.load += task.weight
        rq.nr_running += 1
        made.append(task)
    try:
        chosen = answer().choose(list(made), rq)
    except Exception:  # a learner's answer may fail in any way; the report has told of it
        return -1
    return next((number for number, task in enumerate(made) if task is chosen), -1)


AHEAD_AND_DUE = ((3, 4), (2, 5), (2, 7))  # the first is due first, and not eligible
BEHIND = ((0, 9), (1, 3), (5, 6))  # the first has had least, the second is due first among the eligible


def chose(*expected: tuple[tuple[tuple[int, int], ...], int]) -> Callable[[Any, Any], bool]:
    """A diagnosis by what an answer chooses."""
    return lambda _report, answer: all(probe(answer, *tasks) == number for tasks, number in expected)


DIAGNOSES = (
    Diagnosis(
        "edf", chose((AHEAD_AND_DUE, 0), (BEHIND, 1)),
        "You compare the deadlines of all. A short request is always due early, so the game runs on until it is far "
        "ahead: leave out who is not eligible.",
    ),
    Diagnosis(
        "least", chose((AHEAD_AND_DUE, 1), (BEHIND, 0)),
        "The least vruntime is what CFS takes. It is fair, but nobody looks at the deadlines, so asking for a short "
        "slice is no use: the game waits for both long ones.",
    ),
    Diagnosis(
        "latest", chose((AHEAD_AND_DUE, 2), (BEHIND, 0)),
        "Of the eligible you take the one whose deadline is latest. The earliest is due first.",
    ),
)  # fmt: skip

EXERCISES = {
    "pick": Exercise(
        "Earliest eligible virtual deadline first",
        [
            asking(
                [COMPILER, ARCHIVER, GAME],
                "Two that ask for 20 ms at a time, and a game that asks for 1 ms",
                until="600ms",
                game="1ms",
                compiler=LONG,
                archiver=LONG,
            )
        ],
        diagnoses=DIAGNOSES,
        rules=(
            Law("ahead", "Nobody is ahead of an equal share by more than its own request and a tick.", ahead),
            Law("soon", "The game never waits longer than 21 ms: for one long slice, not for two.", game_is_soon),
        ),
        options={"base_slice": BASE_SLICE},
    ),
}
