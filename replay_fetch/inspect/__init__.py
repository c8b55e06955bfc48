"""What an archive holds, looked at without asking the API: state, sessions, recordings, tables, soundness.

``verify`` says whether the archive is sound, and ``rebuild`` replaces a damaged ledger. Everything here returns
values; the words for the terminal are the command line's.
"""
