"""Clients with a rate controller against a limiter, in virtual time; deterministic for each seed."""
