"""The ledger: the plan and each view's state in SQLite, with the package's only door to that library.

Begin with `ledger`; `schema` shows the tables. `discover` keeps its views in `found`, a temporary database.
"""
