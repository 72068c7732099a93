"""The react worker on a real broker beside its peers: `python -m tests.bench.kafka`."""
