"""Fetching: one page asked for until an answer comes, a view's pages walked to the end, and views searched for.

Begin with `paginator`, which walks a view's pages. `fetcher` gets each page, and `retry` decides about failed tries.
"""
