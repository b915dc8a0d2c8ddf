"""What gpmedic costs, measured beside what else does the same; by `make bench`; see docs/benchmarks.md."""
