"""Connections of each driver, with the same methods."""
