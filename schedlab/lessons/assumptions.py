"""What the models leave out or make simpler, each with the source it departs from and the test that holds it so."""

from __future__ import annotations

from typing import NamedTuple


class Assumption(NamedTuple):
    """`of`: the parts whose models it is true of; `test`: file::function that fails when it is no longer true."""

    id: str
    of: tuple[str, ...]
    says: str
    source: str
    test: str


LINUX_PARTS = ("v001", "on", "o1", "many", "cfs", "eevdf")
HERE = "tests/lessons_kit/test_assumptions.py"
TOYS = ("preemption", "stealing")  # parts on the toy machine of schedlab/design
PREEMPTION = "tests/lessons_kit/test_preemption.py"
STEALING = "tests/lessons_kit/test_stealing.py"
MANY = "tests/lessons_kit/test_many.py"

ASSUMPTIONS: tuple[Assumption, ...] = (
    Assumption(
        "switch-is-free",
        LINUX_PARTS,
        'A context switch costs nothing unless the scenario gives it a price (`machine={"switch": "2us"}`).',
        "schedule() and switch_to() of any Linux take microseconds, and cold caches more",
        f"{HERE}::test_a_switch_is_free_unless_it_has_a_price",
    ),
    Assumption(
        "clock-is-exact",
        LINUX_PARTS,
        "The clock is exact to the nanosecond and the same on every CPU.",
        "sched_clock() of Linux 2.6.11 could differ from CPU to CPU and be as coarse as a tick",
        f"{HERE}::test_the_clock_is_exact",
    ),
    Assumption(
        "interrupts-cost-nothing",
        LINUX_PARTS,
        "Interrupts, the tick among them, take no time from the task that they interrupt.",
        "do_timer() and every device's handler run on the CPU of the interrupted task",
        f"{HERE}::test_a_tick_takes_no_time",
    ),
    Assumption(
        "no-other-load",
        LINUX_PARTS,
        "Only the tasks of the scenario run: no daemons and no kernel threads.",
        "a real machine runs ksoftirqd, kswapd and dozens of others beside yours",
        f"{HERE}::test_only_the_scenarios_tasks_run",
    ),
    Assumption(
        "there-at-once",
        ("v001", "on"),
        "The tasks of a scenario are there at time 0, in its order, each with all the ticks of its nice value.",
        "copy_process() and do_fork() in kernel/fork.c of Linux 0.01 and 2.4.16: all but the first task are forked by "
        "another, and in 2.4 get half of its ticks",
        f"{HERE}::test_tasks_are_there_at_time_0_with_all_their_ticks",
    ),
    Assumption(
        "sleeps-end-exactly",
        ("v001", "on"),
        "A sleep ends to the nanosecond, as if a device's interrupt had ended it.",
        "sys_pause() and alarms in whole seconds in Linux 0.01; sys_nanosleep() in kernel/timer.c of 2.4.16 rounds up "
        "to whole ticks and adds one",
        f"{HERE}::test_a_sleep_ends_between_two_ticks",
    ),
    Assumption(
        "calls-take-no-time",
        ("v001",),
        "Programs compute in user mode and their calls of the kernel take no time, unless a step says `system`.",
        "do_timer() in kernel/sched.c of Linux 0.01 leaves a task inside the kernel alone, even with a counter of 0",
        f"{HERE}::test_a_quantum_that_ends_in_the_kernel_ends_when_the_call_returns",
    ),
    Assumption(
        "preempted-in-calls",
        ("on",),
        "A task inside a system call is taken off the CPU like one in user mode.",
        "ret_from_intr in arch/i386/kernel/entry.S of 2.4.16 switches only on the way back to user mode",
        f"{HERE}::test_a_call_of_the_kernel_is_interrupted_in_2_4",
    ),
    Assumption(
        "toy-switch-is-one-price",
        TOYS,
        "A switch costs nothing, or the same each time if the machine says so; its bar counts to the task that comes. "
        "Real ones cost more when the next task finds cold caches.",
        "context_switch() in kernel/sched/core.c of Linux 6.12 changes the address space only where it differs",
        f"{PREEMPTION}::test_every_switch_has_one_price",
    ),
    Assumption(
        "toy-quantum-is-exact",
        TOYS,
        "A quantum ends to the nanosecond. A kernel without a high-resolution timer for it looks at ticks only.",
        "task_tick_rt() in kernel/sched/rt.c of Linux 6.12 counts the round-robin slice down at each tick",
        f"{PREEMPTION}::test_a_quantum_ends_exactly",
    ),
    Assumption(
        "toy-waking-does-not-preempt",
        ("preemption",),
        "The round robin of this lesson never interrupts a quantum: whoever wakes joins the end of the line.",
        "Linux 6.12 asks at each wake-up: wakeup_preempt() in kernel/sched/core.c",
        f"{PREEMPTION}::test_waking_does_not_end_a_quantum",
    ),
    Assumption(
        "toy-knows-the-work",
        ("preemption",),
        "A scheduler can read `task.remaining`, the work a task still has. Real ones do not know it, and guess.",
        "struct task_struct in include/linux/sched.h of Linux 6.12 holds what a task has had (sum_exec_runtime) only",
        f"{PREEMPTION}::test_the_work_that_is_left_can_be_read",
    ),
    Assumption(
        "toy-messages-take-turns",
        ("stealing",),
        "A message takes time only from who sends it, before its next task. Locks and answers cost nothing.",
        "detach_tasks() in kernel/sched/fair.c of Linux 6.12 works under the lock of the queue it takes from",
        f"{STEALING}::test_a_message_is_paid_by_its_sender",
    ),
    Assumption(
        "toy-moving-is-free",
        ("stealing",),
        "A job that moves works on as fast as before. On a real machine it finds a cold cache.",
        "task_hot() in kernel/sched/fair.c of Linux 6.12 keeps tasks that ran within the last 0.5 ms where they are",
        f"{STEALING}::test_moving_takes_no_time",
    ),
    Assumption(
        "toy-thieves-do-not-spin",
        ("stealing",),
        "A CPU looks for work when it runs dry and when somebody begins to wait, once each time, and else sleeps.",
        "findRunnable() in runtime/proc.go of Go 1.27 makes four passes over all Ps, with few Ms spinning",
        f"{STEALING}::test_an_idle_cpu_tries_each_other_one_once",
    ),
    Assumption(
        "toy-looking-is-free",
        ("stealing",),
        "An `order` of your own may read how long all queues are, for nothing.",
        "sched_balance_find_src_rq() in kernel/sched/fair.c of Linux 6.12 reads every queue of a group",
        f"{STEALING}::test_reading_lengths_sends_nothing",
    ),
    Assumption(
        "lock-prices-are-chosen",
        ("many",),
        "A lock is held 300 ns and 150 ns for each task looked at. Both are chosen; without them it costs nothing.",
        "spin_lock_irq(&runqueue_lock) in schedule() of Linux 2.4.16; how long it is held depends on the machine",
        f"{MANY}::test_a_lock_costs_what_the_scenario_says",
    ),
    Assumption(
        "only-a-choice-locks",
        ("many",),
        "Only a choice takes the lock. In a kernel a wake-up, a tick and a pull take it too.",
        "try_to_wake_up() and double_lock_balance() in kernel/sched.c of Linux 2.6.11",
        f"{MANY}::test_only_a_choice_takes_the_lock",
    ),
    Assumption(
        "one-at-a-time",
        ("many",),
        "In the game and the exercise a CPU looks only when it runs dry, counts tasks, and takes one; a task wakes "
        "where it ran. In all other runs 2.6.11 looks at ticks too, compares smoothed loads, and may take several.",
        "rebalance_tick(), load_balance_newidle() and find_busiest_group() in kernel/sched.c of Linux 2.6.11",
        f"{MANY}::test_who_runs_dry_takes_one",
    ),
    Assumption(
        "pushing-is-free",
        ("many",),
        "The migration thread of 2.6.11 takes no time, and no row shows it. A real one runs for microseconds.",
        "migration_thread() and active_load_balance() in kernel/sched.c of Linux 2.6.11",
        f"{MANY}::test_a_push_takes_no_time",
    ),
    Assumption(
        "cold-caches-are-free",
        ("many",),
        "A task that has moved works on as fast as before. On a real machine it finds a cold cache.",
        "cache_hot_time in include/linux/topology.h of Linux 2.6.11: 2.5 ms among the CPUs of a node",
        f"{MANY}::test_a_move_takes_no_time",
    ),
    Assumption(
        "one-domain",
        ("many",),
        "All CPUs are alike and share one cache: one domain. Real ones may be threads of one core, or far from memory.",
        "sd_init() in kernel/sched/topology.c of Linux 6.12 makes a domain of each level: SMT, MC, NUMA",
        f"{MANY}::test_all_cpus_are_alike",
    ),
    Assumption(
        "start-is-recorded",
        ("real",),
        "What no program tells is taken from the recording: each task's first virtual runtime on 6.1 and 6.12, and "
        "when kernel threads had the CPU.",
        "the pick and sched_switch rows of data/linux/6.1-cfs and 6.12-eevdf; set_next_entity() in kernel/sched/fair.c",
        "tests/lessons_kit/test_real.py::test_the_first_virtual_runtimes_are_the_recordings",
    ),
    Assumption(
        "start-is-searched",
        ("real",),
        "2.4.24 and 2.6.20 had no tracepoints, so nobody recorded what the parent had left of its slice: every value "
        "is tried, and the run that agrees longest is shown.",
        "the trace_method of data/linux/2.4.24-on/*.json; do_fork() of Linux 2.4.24 splits the parent's counter",
        "tests/lessons_kit/test_real.py::test_the_start_of_an_old_recording_is_one_of_those_tried",
    ),
    Assumption(
        "costs-are-fixed",
        ("real",),
        "A switch, a tick and a system call take the same time each time: what the recordings show as usual.",
        "the times between pick and sched_switch in data/linux vary by up to some microseconds from one to the next",
        "tests/lessons_kit/test_real.py::test_costs_are_fixed_and_part_model_and_kernel_by_microseconds",
    ),
    Assumption(
        "all-start-level",
        ("cfs",),
        "Tasks that are there at time 0 all have the same vruntime. A forked one begins one slice later.",
        "task_fork_fair() and place_entity() with START_DEBIT in kernel/sched/fair.c of Linux 5.15",
        "tests/lessons_kit/test_cfs.py::test_tasks_start_level_and_forked_ones_behind",
    ),
    Assumption(
        "timers-have-no-slack",
        ("cfs",),
        "A sleep ends to the nanosecond. Linux may end an ordinary task's sleep up to 50 µs later.",
        "timer_slack_ns in init/init_task.c and hrtimer_nanosleep() in kernel/time/hrtimer.c of Linux 5.15",
        "tests/lessons_kit/test_cfs.py::test_a_sleep_ends_to_the_nanosecond",
    ),
    Assumption(
        "one-group",
        ("cfs",),
        "All tasks are in one group and share by their own weights. A desktop may group them by session.",
        "kernel/sched/autogroup.c of Linux 5.15; the recordings were made with noautogroup",
        "tests/lessons_kit/test_cfs.py::test_tasks_share_by_their_own_weights",
    ),
    Assumption(
        "one-of-eight",
        ("eevdf",),
        "There is one CPU, and the usual slice is 3 ms, as on a machine with eight. A machine with one has 0.75 ms.",
        "sysctl_sched_base_slice and get_update_sysctl_factor() in kernel/sched/fair.c of Linux 6.12",
        "tests/lessons_kit/test_eevdf.py::test_the_usual_slice_is_that_of_eight_cpus",
    ),
    Assumption(
        "asks-at-birth",
        ("eevdf",),
        "A task asks for its slice before it first runs, and never again.",
        "sched_setattr() in kernel/sched/syscalls.c of Linux 6.12 takes a new sched_runtime at any time",
        "tests/lessons_kit/test_eevdf.py::test_a_task_asks_once",
    ),
    Assumption(
        "sleeps-are-exact",
        ("eevdf",),
        "A sleep ends to the nanosecond. Linux may end an ordinary task's sleep up to 50 µs later.",
        "timer_slack_ns in init/init_task.c and hrtimer_nanosleep() in kernel/time/hrtimer.c of Linux 6.12",
        "tests/lessons_kit/test_eevdf.py::test_a_sleep_ends_to_the_nanosecond",
    ),
)
