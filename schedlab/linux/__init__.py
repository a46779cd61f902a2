"""Linux CPU schedulers: one machine, one policy file for each generation."""
