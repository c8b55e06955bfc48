"""Archives in an object store."""
