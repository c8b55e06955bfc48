"""Inspection of an archive: whether it is what it says, and how to mend it; values, no words for the terminal."""
