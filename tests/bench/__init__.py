"""Benchmarks: ratios against a floor and a peer, interleaved in one run. ``make bench NAME=create_vm``."""
