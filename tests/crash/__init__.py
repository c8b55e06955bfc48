"""The crash harness: commands as real processes, ended at named points, run again, compared.

``python -m tests.crash --kills 300`` from the checkout is the long form of the scenarios, ``--sequences 100`` that of
random sequences; ``tests/promises/test_crash.py`` and ``tests/promises/test_crash_sequences.py`` run samples.
"""
