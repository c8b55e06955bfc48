"""Lists of views, read and written row by row, in memory that does not grow with the list.

Begin with `view_list`: a ViewList opens a `source`, finds the columns in the `header`, decides in `ids` what an id
of the list looks like, and yields `rows`, good and bad, each with a line number. `writing` writes the tables that a
later download reads.
"""
