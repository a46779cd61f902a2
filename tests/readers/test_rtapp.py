"""rt-app workloads: what the model expresses runs as rt-app would, everything else is refused with line and key."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from schedlab.goals import completions
from schedlab.readers.scenarios import read_scenario
from schedlab.scenario import ScenarioError


def workload(tmp_path, tasks, global_='{"duration": 1}', **changes):
    file = tmp_path / "w.json"
    file.write_text(f'{{\n"tasks": {tasks},\n"global": {global_}\n}}', encoding="utf-8")
    return read_scenario(file, **changes)


def does(tmp_path, events, **keys):
    task = "".join(f'"{key}": {json.dumps(value)}, ' for key, value in keys.items())
    return workload(tmp_path, f'{{"a": {{{task}{events}}}}}').given_tasks[0]["does"]


def test_repeated_events_keep_their_order(tmp_path):
    events = '"run": 10, "sleep": 20, "run": 30, "run1": 40'
    steps = [{"run": "10 us"}, {"sleep": "20 us"}, {"run": "30 us"}, {"run": "40 us"}]
    assert does(tmp_path, events, loop=1) == steps
    assert does(tmp_path, events, loop=3) == [{"repeat": steps, "times": 3}]
    assert does(tmp_path, events) == [{"repeat": steps}]


def test_runtime_is_no_run_with_a_suffix_and_both_compute(tmp_path):
    assert does(tmp_path, '"runtime": 5, "run": 6', loop=1) == [{"run": "5 us"}, {"run": "6 us"}]


def test_phases_repeat_within_the_task(tmp_path):
    phases = '"phases": {"one": {"loop": 2, "run": 1}, "two": {"priority": 5, "yield": ""}}'
    inner = [{"repeat": [{"run": "1 us"}], "times": 2}, {"renice": 5}, "yield"]
    assert does(tmp_path, phases, loop=1) == inner
    assert does(tmp_path, phases) == [{"repeat": inner}]


def test_policies_priorities_and_cpus(tmp_path):
    tasks = """{
        "plain": {"run": 1}, "nice": {"priority": -19, "run": 1}, "batch": {"policy": "SCHED_BATCH", "run": 1},
        "fifo": {"policy": "SCHED_FIFO", "run": 1, "cpus": [2, 0]},
        "rr": {"policy": "SCHED_RR", "priority": 7, "run": 1},
        "late": {"delay": 250, "instance": 3, "run": 1}, "never": {"instance": 0, "run": 1}}"""
    scenario = workload(tmp_path, tasks, scheduler="o1-2.6.22")
    plain = [{k: v for k, v in task.items() if k != "does"} for task in scenario.given_tasks]
    assert plain == [
        {"name": "plain"}, {"name": "nice", "nice": -19}, {"name": "batch", "class": "batch"},
        {"name": "fifo", "class": "fifo", "rt_priority": 10, "cpus": [0, 2]},
        {"name": "rr", "class": "rr", "rt_priority": 7}, {"name": "late", "start": "250 us", "count": 3},
    ]  # fmt: skip
    assert (scenario.cpus, scenario.until) == (3, 10**9)


def test_a_timer_keeps_its_period_when_nobody_disturbs(tmp_path):
    tasks = '{"a": {"loop": 5, "run": 5000, "timer": {"ref": "tick", "period": 19000}}}'
    trace = workload(tmp_path, tasks).run()
    picks = [row.time for row in trace.rows() if trace.kinds[row.kind].name == "resume"]
    assert [b - a for a, b in pairwise(picks)] == [19_000_000] * 5


def test_two_timers_in_a_row_are_counted_from_each_other(tmp_path):
    events = '"run": 1000, "timer0": {"ref": "x", "period": 4000}, "run": 2000, "timer1": {"ref": "x", "period": 4000}'
    assert does(tmp_path, events, loop=1) == [
        {"run": "1000 us"}, {"sleep": "3000 us"}, {"run": "2000 us"}, {"sleep": "2000 us"}]  # fmt: skip


def test_a_task_is_suspended_until_another_resumes_it(tmp_path):
    tasks = """{"a": {"loop": 1, "suspend": "whatever", "run": 10000},
                "b": {"loop": 1, "run": 30000, "resume": "a"}}"""
    trace = workload(tmp_path, tasks).run()
    woken = [trace.sentence(i) for i in range(len(trace)) if trace.time[i] == 30_000_000]
    assert "a wakes up on CPU 0" in woken


def test_a_forked_task_runs(tmp_path):
    tasks = '{"a": {"loop": 1, "run": 10, "fork": "b"}, "b": {"instance": 0, "loop": 1, "run": 10, "priority": 3}}'
    trace = workload(tmp_path, tasks).run()
    assert trace.names["task"] == ["a", "b"]
    assert [row.a for row in trace.table("renice")] == [3]


@pytest.mark.parametrize(
    ("tasks", "says"),
    [
        ('{"a": {"run": 1, "lock": 5}}', "line 2: the key 'lock': must be a name, not 5"),
        ('{"a": {\n"run": 1,\n"wait": {"ref": "q", "mutex": "m"}}}', "line 4: the key 'wait'"),
        ('{"a": {"barrier1": "b", "run": 1}}', "the key 'barrier1': cannot be expressed: barriers"),
        ('{"a": {"mem": 10, "run": 1}}', "the key 'mem'"),
        ('{"a": {"memrun": {}, "run": 1}}', "the key 'memrun'"),
        ('{"a": {"run": 1, "policy": "SCHED_DEADLINE"}}', "'SCHED_DEADLINE' is not modelled"),
        ('{"a": {"run": 1, "policy": ["SCHED_FIFO"]}}', "['SCHED_FIFO'] is not modelled"),
        ('{"a": {"run": 1, "dl-runtime": 5}}', "the key 'dl-runtime': deadlines"),
        ('{"a": {"run": 1, "taskgroup": "/x"}}', "the key 'taskgroup': groups"),
        ('{"a": {"run": 1, "util_min": 5}}', "the key 'util_min'"),
        ('{"a": {"phases": {"p": {"run": 1, "cpus": [1]}}}}', "the key 'cpus': may change from phase to phase"),
        ('{"a": {"phases": {"p": {"run": 1, "lop": 2}}}}', "'lop': is no key of a phase; did you mean 'loop'?"),
        ('{"a": {"run": 1, "instence": 2}}', "did you mean 'instance'?"),
        ('{"a": {"phases": {"p": {"run": 1}}, "run": 1}}', "the key 'run': is no key of a task"),
        ('{"a": {"loop": 1}}', "holds no event"),
        ('{"a": {"run": -4}}', "must be a whole number from 1 up, not -4"),
        ('{"a": {"run": "x"}}', "must be a whole number from 1 up, not x"),
        ('{"a": {"run": 1, "resume": "bb"}, "b": {"run": 1}}', "'bb' is no task; did you mean 'b'?"),
        ('{"a": {"fork": "a", "run": 1}}', "forks itself"),
        ('{"a": {"run": 1}, "a": {"run": 2}}', "tasks have different names"),
        ('{"a": {"run": 1, "loop": 2, "loop": 3}}', "the key 'loop': stands here again"),
        ('{"a": 5}', "the key 'a': must be an object"),
        ('{"a": {"instance": 2, "suspend": "", "run": 1}}', "with several instances"),
        ('{"a": {"instance": 0, "run": 1}}', "starts by itself"),
        ('{"a": {"run": 1, "cpus": ["x"]}}', "must be a list of CPU numbers"),
    ],
)
def test_what_cannot_be_expressed_is_refused(tmp_path, tasks, says):
    with pytest.raises(ScenarioError) as caught:
        workload(tmp_path, tasks)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_global_says_of_logging_is_read_over(tmp_path):
    global_ = '{"duration": 1, "calibration": "CPU0", "ftrace": "none", "gnuplot": false, "frag": 1}'
    assert workload(tmp_path, '{"a": {"run": 1000}}', global_).until == 10**9
    with pytest.raises(ScenarioError, match="did you mean 'duration'"):
        workload(tmp_path, '{"a": {"run": 1}}', '{"durations": 1}')


def test_a_workload_that_never_ends_asks_for_a_time(tmp_path):
    with pytest.raises(ScenarioError, match="until"):
        workload(tmp_path, '{"a": {"run": 1000}}', '{"duration": -1}')
    assert workload(tmp_path, '{"a": {"run": 1000}}', '{"duration": -1}', until="3ms").run().end == 3_000_000


@pytest.mark.parametrize(("settings", "waits_for"), [("", "mid"), ('"pi_enabled": true,', "low alone")])
def test_mutexes_are_taken_and_their_priority_is_inherited_if_that_is_wished(tmp_path, settings, waits_for):
    critical = '"lock": "m", "run": 10000, "unlock": "m"'
    tasks = f"""{{
        "low": {{"loop": 1, "policy": "SCHED_FIFO", "priority": 10, {critical}}},
        "mid": {{"loop": 1, "policy": "SCHED_FIFO", "priority": 50, "delay": 4000, "run": 100000}},
        "high": {{"loop": 1, "policy": "SCHED_FIFO", "priority": 90, "delay": 2000, {critical}}}
    }}"""
    trace = workload(tmp_path, tasks, f'{{{settings} "duration": 1}}', scheduler="linux-6.12").run()
    assert (completions(trace)["high"] < completions(trace)["mid"]) is (waits_for == "low alone")


def test_pi_enabled_is_yes_or_no(tmp_path):
    with pytest.raises(ScenarioError, match="the key 'pi_enabled': must be true or false, not 1"):
        workload(tmp_path, '{"a": {"loop": 1, "run": 5}}', '{"pi_enabled": 1}')
