"""The fuzzer: any bytes into every reader of what strangers wrote, and the law that each one keeps.

``python -m tests.fuzz TARGET --minutes 5`` from the checkout is the long form: it changes entries of
``corpus/TARGET`` at random and saves what breaks a law there. ``tests/parts/test_fuzz.py`` replays the corpus.
"""
