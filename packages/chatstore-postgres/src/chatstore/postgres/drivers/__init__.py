"""Connections of each driver: a statement in, its rows out."""
