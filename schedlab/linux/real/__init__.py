"""Recordings of real kernels: what they hold, the same workload on the model, and both side by side."""
