"""The pipeline: a list of views goes in, an archive and a report come out."""
