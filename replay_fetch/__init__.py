"""Bulk download of Datadog RUM Session Replay recordings."""
