"""Measurements that the README and the code lean on; each runs with ``python -m benchmarks.<name>``."""
