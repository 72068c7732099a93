"""Faust workers: the loop, its partitions, checkpoints, and the three stages it runs."""
