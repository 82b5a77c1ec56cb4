"""How fast ssekit is beside its peers: `python -m benchmarks`."""
