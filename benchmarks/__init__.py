"""Benchmarks: this project, its peers' packages and the bare drivers."""
