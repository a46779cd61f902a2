"""Toy schedulers of the design chapter: cooperative, preemptive, and three ways to spread work over CPUs."""
