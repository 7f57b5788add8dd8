"""Connections of each driver, as plans use them: a statement in, its rows out."""
