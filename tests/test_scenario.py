"""Scenarios as data: what can be asked, and how what cannot be asked is told."""

from __future__ import annotations

from typing import Any

import pytest

from schedlab.goals import cpu_time, switches
from schedlab.guard import LearnerError
from schedlab.linux.task import renice, run, sleep
from schedlab.scenario import Scenario, ScenarioError, duration
from schedlab.sim import MS

HOG = {"name": "hog"}


def given(**changes):
    return {"scheduler": "o1", "tasks": [HOG], "until": "50ms", **changes}


def refused(**changes):
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_data(given(**changes))
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cpus": 0}, "cpus: 0 is not in 1..1024"),
        ({"cpus": -2}, "cpus: -2 is not in 1..1024"),
        ({"cpus": 2.0}, "cpus: a whole number from 1 to 1024, not 2.0"),
        ({"cpus": True}, "cpus: a whole number from 1 to 1024, not True"),
        ({"cpus": "two"}, "cpus: a whole number from 1 to 1024, not 'two'"),
        ({"tasks": []}, "tasks: the list is empty; a scenario needs at least one task"),
        ({"tasks": {"name": "hog"}}, "tasks: a list of tasks, not {'name': 'hog'}"),
        ({"tasks": "hog"}, "tasks: a list of tasks, not 'hog'"),
        ({"tasks": 5}, "tasks: a list of tasks, not 5"),
        ({"tasks": ["hog"]}, "tasks[0]: a mapping of keys to values, not 'hog'"),
        ({"tasks": [{"nice": 40}]}, "tasks[0].nice: 40 is not in -20..19"),
        ({"tasks": [HOG, {"nice": "low"}]}, "tasks[1].nice: a whole number from -20 to 19, not 'low'"),
        ({"tasks": [{"nicce": 3}]}, "tasks[0]: there is no key 'nicce'; did you mean 'nice'?"),
        ({"tasks": [{"class": "realtime"}]}, "tasks[0].class: 'realtime' is unknown"),
        ({"tasks": [{"rt_priority": 5}]}, "tasks[0].rt_priority: only a fifo or rr task has one"),
        ({"tasks": [{"class": "rr", "rt_priority": 100}]}, "tasks[0].rt_priority: 100 is not in 1..99"),
        ({"tasks": [{"count": 0}]}, "tasks[0].count: 0 is not in 1..100000"),
        ({"tasks": [{"start": "-1ms"}]}, "tasks[0].start: -1000000 ns is too short"),
        ({"tasks": [{"cpus": [4]}]}, "tasks[0].cpus: 4 is not in 0..0"),
        ({"tasks": [{"cpus": []}]}, "tasks[0].cpus: a list of CPU numbers, not []"),
        ({"tasks": [{"does": []}]}, "tasks[0].does: a list of steps or a function that yields them, not []"),
        ({"tasks": [{"does": "run"}]}, "tasks[0].does: a list of steps or a function that yields them, not 'run'"),
        ({"tasks": [{"does": [{"rum": "5ms"}]}]}, "tasks[0].does[0]: there is no key 'rum'; did you mean 'run'?"),
        ({"tasks": [{"does": ["yeild"]}]}, "tasks[0].does[0]: 'yeild' is no step; did you mean 'yield'?"),
        ({"tasks": [{"does": [{"run": "5"}]}]}, "tasks[0].does[0].run: '5' is not a time"),
        ({"tasks": [{"does": [{"run": 0}]}]}, "tasks[0].does[0].run: 0 ns is too short; at least 1 ns"),
        ({"tasks": [{"does": [{"run": "-5ms"}]}]}, "tasks[0].does[0].run: -5000000 ns is too short"),
        ({"tasks": [{"does": [{"run": 1.5}]}]}, "tasks[0].does[0].run: a time such as '10ms'"),
        (
            {"tasks": [{"does": [{"run": "1ms", "sleep": "1ms"}]}]},
            "tasks[0].does[0]: a step has one key, not run, sleep",
        ),
        ({"tasks": [{"does": [{"times": 3}]}]}, "tasks[0].does[0]: 'times' belongs beside 'repeat'"),
        ({"tasks": [{"does": [{"repeat": []}]}]}, "tasks[0].does[0].repeat: a list of steps"),
        ({"tasks": [{"does": [{"run": {"between": ["9ms", "1ms"]}}]}]}, "9000000 ns is more than 1000000 ns"),
        ({"tasks": [{"does": [{"run": {"mean": "0ms"}}]}]}, "run.mean: 0 ns is too short"),
        ({"tasks": [{"does": [(0, 1.5)]}]}, "a time is a whole number of ns"),
        ({"scheduler": "o(1)"}, "scheduler: 'o(1)' is unknown; did you mean 'o"),
        ({"scheduler": ""}, "scheduler: '' is unknown"),
        ({"scheduler": 3}, "scheduler: a name, not 3"),
        ({"until": "0s"}, "until: 0 ns is too short"),
        ({"until": "-1s"}, "until: -1000000000 ns is too short"),
        ({"until": "soon"}, "until: 'soon' is not a time; write a number and one of ns, us"),
        ({"until": "1.5ns"}, "until: '1.5ns' is not a whole number of nanoseconds"),
        ({"until": 2**60}, "is too long"),
        ({"until": None}, "the task 'hog' never ends by itself: say `until`"),
        ({"seed": 1.5}, "seed: a whole number or a text, not 1.5"),
        ({"machine": {"hz": 0}}, "machine.hz: 0 is not in 10..100000"),
        ({"machine": {"switch": "-2us"}}, "machine.switch: -2000 ns is too short"),
        ({"machine": {"swich": "2us"}}, "machine: there is no key 'swich'; did you mean 'switch'?"),
        ({"machine": 5}, "machine: a mapping of keys to values, not 5"),
        ({"options": {"quantum": -5}}, "options of o1: there is no key 'quantum'"),
        ({"util": "1s"}, "the scenario: there is no key 'util'; did you mean 'until'?"),
        ({"machine": {5: 1}}, "machine: the key 5 is not a text"),
        ({"scheduler": "v0.01", "cpus": 2}, "cpus: v0.01 knows 1 CPU, not 2"),
        ({"scheduler": "v0.01", "tasks": [{"count": 64}]}, "slots for tasks, not 64"),
        ({"until": "9" * 5000 + "ms"}, "is not a time; write a number"),
        ({"machine": ""}, "machine: a mapping of keys to values, not ''"),
        ({"events": None}, "events: a list of events, not None"),
        ({"events": {"at": "1ms"}}, "events: a list of events, not {'at': '1ms'}"),
        ({"events": [{"wake": "hog"}]}, "events[0]: say when, with the key 'at'"),
        ({"events": [{"at": "1ms"}]}, "events[0]: one of wake, kill"),
        ({"events": [{"at": "1ms", "wak": "hog"}]}, "events[0]: there is no key 'wak'; did you mean 'wake'?"),
        ({"events": [{"at": "1ms", "renice": {"task": "hog", "nice": 99}}]}, "renice.nice: 99 is not in -20..19"),
        ({"events": [{"at": "1ms", "renice": {"task": "hog"}}]}, "events[0].renice: needs 'task' and 'nice'"),
        ({"events": [{"at": "1ms", "spawn": {"cpus": [3]}}]}, "events[0].spawn.cpus: 3 is not in 0..0"),
    ],
)
def test_what_cannot_be_asked_is_told_with_its_place(changes, words):
    assert words in refused(**changes)


@pytest.mark.parametrize("nonsense", [None, 7, "kill", ["kill"]])
def test_a_fork_or_a_comparison_with_nonsense_is_told(nonsense):
    scenario = Scenario.from_data(given())
    with pytest.raises(ScenarioError, match="fork: a mapping of keys to values"):
        scenario.fork("1ms", nonsense)
    with pytest.raises(ScenarioError, match="compare: another scenario, not"):
        scenario.compare(nonsense)


@pytest.mark.parametrize("data", [None, [], "o1", 7])
def test_what_is_no_scenario_is_told(data):
    with pytest.raises(ScenarioError, match="the scenario: a mapping of keys to values"):
        Scenario.from_data(data)


@pytest.mark.parametrize("key", ["scheduler", "tasks"])
def test_a_missing_key_is_named(key):
    with pytest.raises(ScenarioError, match=f"the key '{key}' is missing"):
        Scenario.from_data({k: v for k, v in given().items() if k != key})


def test_a_generator_object_in_place_of_its_function_is_refused():
    def editor():
        yield run(1)

    with pytest.raises(ScenarioError, match="pass the function, not its result"):
        Scenario("o1", [{"does": editor()}])


def test_a_function_that_yields_nothing_that_is_a_step_is_told():
    with pytest.raises(Exception, match="the function must return or yield steps, not 5"):
        Scenario("o1", [{"does": lambda: 5}]).run()


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"wake": "hgo"}, "no task is called 'hgo' at 10000000 ns; did you mean 'hog'?"),
    ],
)
def test_an_event_that_turns_out_impossible_is_told_when_it_happens(event, words):
    with pytest.raises(ScenarioError) as caught:
        Scenario("o1", [HOG], until="50ms", events=[{"at": "10ms", **event}]).run()
    assert words in str(caught.value)


def test_a_run_without_until_that_is_never_over_is_told():
    def editor():
        while True:
            yield sleep(500 * MS * 1000)

    with pytest.raises(ScenarioError, match="not over after 3600 s of simulated time: say `until`"):
        Scenario("v0.01", [{"does": editor}], machine={"hz": 1}).run(record=False)


def test_a_run_without_until_ends_with_its_last_task():
    assert Scenario("o1", [{"does": [{"run": "7ms"}]}]).run().end == 7 * MS


@pytest.mark.parametrize(
    ("text", "ns"),
    [("250us", 250_000), ("1.5s", 1_500_000_000), (" 3 ms ", 3_000_000), ("2min", 120 * 10**9), ("7ns", 7), (12, 12)],
)
def test_a_time_is_read_with_its_unit(text, ns):
    assert duration(text, "here") == ns


def test_but_changes_one_thing_and_leaves_the_first_as_it_was():
    first = Scenario("o1", [HOG], until="50ms")
    second = first.but(cpus=2)
    assert (first.cpus, second.cpus, second.until) == (1, 2, first.until)
    with pytest.raises(ScenarioError, match="did you mean 'cpus'"):
        first.but(cpu=2)


def test_a_scenario_cannot_be_changed_through_its_settings():
    first = Scenario("o1", [HOG], until="50ms", machine={"hz": 250})
    with pytest.raises(TypeError):
        vars(first)["machine"]["hz"] = 1
    with pytest.raises(TypeError):
        first.tasks[0]["nice"] = 3


def test_code_cannot_be_written_down_as_data():
    with pytest.raises(ScenarioError, match="only steps given as data can be written down"):
        Scenario("o1", [{"does": lambda: [run(5)]}]).to_data()


def test_repeats_inside_each_other_have_a_limit():
    does: list[dict[str, object]] = [{"run": "1ms"}]
    for _ in range(40):
        does = [{"repeat": does, "times": 1}]
    assert "more than 20 lists of steps inside each other" in refused(tasks=[{"does": does}])


@pytest.mark.parametrize(
    "does",
    [
        [{"run": "forever"}],
        [run()],
        [{"run": "1ms"}, sleep()],
        [{"repeat": ["yield"]}],
        [{"repeat": [run()], "times": 2}],
        [{"fork": {}}],
        [{"fork": {"does": [{"repeat": [{"run": "1ms"}]}]}}],
    ],
    ids=str,
)
def test_a_behaviour_that_surely_never_ends_is_told_before_the_run(does):
    with pytest.raises(ScenarioError, match="the task 'a' never ends by itself"):
        Scenario("o1", [{"name": "a", "does": does}])


@pytest.mark.parametrize(
    "does",
    [
        [run(5 * MS), "exit"],
        [{"repeat": [{"run": "1ms"}], "times": 3}],
        [{"fork": {"does": [{"run": "1ms"}]}}],
        [lambda: [run(MS)], {"sleep": "1ms"}],
        [renice(-1)],  # -1 is also how the machine writes "for ever"
    ],
    ids=["tuples", "times", "fork", "function", "renice"],
)
def test_a_behaviour_that_ends_needs_no_until(does):
    trace = Scenario("o1", [{"name": "a", "does": does}]).run()
    assert len(trace.table("exit")) == (2 if "fork" in str(does) else 1)


def test_a_long_tailed_time_is_never_shorter_or_longer_than_it_may_be():
    does = [{"repeat": [{"sleep": {"pareto": "1ms", "alpha": 1.2, "most": "20ms"}}], "times": 400}]
    trace = Scenario("v0.01", [{"does": does}], machine={"hz": 1000}).run()
    rests, wakes = ([row.time for row in trace.table(kind)] for kind in ("rest", "wake"))
    slept = [end - begin for begin, end in zip(rests, wakes[1:], strict=False)]  # the first wake is its creation
    assert len(slept) == 400
    assert min(slept) >= MS
    assert max(slept) == 20 * MS
    assert sorted(slept)[200] < 3 * MS


@pytest.mark.parametrize(
    ("scheduler", "changed", "words"),
    [
        ("o1", {"starvation_limit": 3}, "events[0].set: o1 has no options"),
        ("cfs", {"latncy": "6ms"}, "there is no key 'latncy'; did you mean 'latency'?"),
        ("cfs", {"latency": "long"}, "latency: 'long' is not a time"),
        ("cfs", {"latency": 0}, "latency: 0 ns is too short"),
        ("linux-6.12", {"latency": "6ms"}, "there is no key 'latency'"),
        ("linux-7.2", {"hrtick": "no"}, "hrtick: true or false, not 'no'"),
        ("sharing", {"ask": -1}, "ask: -1 is not in 1..1024"),
        ("stealing", {"amount": "junk"}, "amount: 'half' or 'one', not 'junk'"),
        ("stealing", {"machine": 3}, "there is no key 'machine'"),
        ("cfs", "latency", "events[0].set: a mapping of keys to values, not 'latency'"),
    ],
)
def test_an_option_that_cannot_change_so_is_told_before_the_run(scheduler, changed, words):
    tasks = [{"work": "1ms"}] if scheduler in ("sharing", "stealing") else [HOG]
    with pytest.raises(ScenarioError) as caught:
        Scenario(scheduler, tasks, until="50ms", events=[{"at": "10ms", "set": changed}])
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("scheduler", "options"),
    [
        ("cfs", {"latency": "60ms", "min_granularity": "30ms"}),
        ("eevdf", {"base_slice": "30ms"}),
        ("linux-6.1", {"latency": "60ms"}),
        ("linux-6.12", {"base_slice": "30ms"}),
    ],
)
def test_an_option_that_changes_at_once_is_as_good_as_given(scheduler, options):
    base = Scenario(scheduler, [{"name": "a"}, {"name": "b"}, {"name": "c"}], until="400ms")
    given = base.but(options=options).run()
    changed = base.fork("0ms", {"set": options}).run()
    assert abs(switches(changed) - switches(given)) <= 1  # the first request of EEVDF is older than the change
    assert switches(changed) < switches(base.run())


def test_an_option_of_groups_of_one_kernel_can_change_too():
    groups = {"web": {"weight": 300}}
    base = Scenario("linux-6.12", [{"name": "a", "group": "web"}, {"name": "b"}], until="400ms", groups=groups)
    assert switches(base.fork("0ms", {"set": {"base_slice": "30ms"}}).run()) < switches(base.run())


def test_what_the_caller_changes_afterwards_does_not_change_the_scenario():
    task: dict[str, object] = {"name": "a", "does": [{"run": "1ms"}]}
    groups = {"web": {"weight": 300}}
    made = Scenario("linux-6.12", [task], groups=groups)
    before = made.to_data()
    task["nice"] = 5
    task["does"].append({"run": "9ms"})  # type: ignore[attr-defined]  # it is a list
    groups["web"]["weight"] = 1
    assert made.to_data() == before == made.but(title="").to_data()


def test_steps_made_in_python_cannot_be_written_down_as_data():
    with pytest.raises(ScenarioError, match="only steps given as data can be written down"):
        Scenario("o1", [{"does": [run(5)]}]).to_data()


@pytest.mark.parametrize("seed", [2**64 + 1, -(2**65), 10**5000], ids=["above", "below", "far above"])
def test_a_seed_has_at_most_64_bits(seed):
    with pytest.raises(ScenarioError, match="at most 64 bits"):
        Scenario("o1", [HOG], until="1ms", seed=seed)


def test_a_name_that_is_no_unicode_text_still_runs():
    does = [{"run": {"mean": "1ms"}}]
    assert len(Scenario("o1", [{"name": "\ud800", "does": does}], seed="\udfff").run().table("exit")) == 1


@pytest.mark.parametrize("where", ["tasks", "does", "machine"])
def test_data_inside_itself_is_told(where):
    ring: list[object] = []
    ring.append(ring)
    given: dict[str, Any] = {"tasks": ring} if where == "tasks" else {"tasks": [{"does": ring}]}
    if where == "machine":
        given = {"tasks": [{}], "machine": {"hz": ring}}
    with pytest.raises(ScenarioError, match="more than 100 lists and mappings inside each other, or one inside itself"):
        Scenario("o1", until="1ms", **given)


def test_what_repeats_nothing_for_ever_is_told():
    nothing = {"repeat": [{"run": "1ms"}], "times": 0}
    assert "there is no step in it, and it goes on for ever" in refused(tasks=[{"does": [{"repeat": [nothing]}]}])
    assert Scenario("o1", [{"does": [nothing, {"run": "2ms"}]}]).run().end == 2 * MS
    assert Scenario("o1", [{"does": [{"repeat": [nothing], "times": 10**9}, {"run": "2ms"}]}]).run().end == 2 * MS
    for none in ({"repeat": [list]}, {"repeat": [{"repeat": [list]}]}, {"repeat": [list], "times": 10**9}):
        with pytest.raises(LearnerError, match="10,000 times in turn its functions have yielded no step"):
            Scenario("o1", [{"does": [none]}], until="1s").run()


def test_functions_that_yield_steps_now_and_then_can_be_repeated_for_ever():
    turn = iter(range(10**6))
    does = [{"repeat": [lambda: [run(1 * MS)] if next(turn) % 2 else []]}]
    assert sum(cpu_time(Scenario("o1", [{"does": does}], until="20ms").run()).values()) == 20 * MS
