"""Inspection of an archive without asking the API: is it sound, and how is a damaged ledger replaced.

Returns values; the words for the terminal are the command line's.
"""
