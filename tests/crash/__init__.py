"""The crash harness: downloads as real processes, ended at named points, run again, compared.

``python -m tests.crash --kills 300`` from the checkout is the long form; ``tests/test_crash.py``
runs a sample.
"""
