"""``report``: one HTML page of the last run, made of report.json and the manifest."""
