"""What others would write for the job: ``python -m benchmarks.clients.NAME URL LIST OUT WORKERS``."""
