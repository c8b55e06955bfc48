"""The pipeline: a list of views goes in, an archive and a report come out; also searches, probes and decoding."""
