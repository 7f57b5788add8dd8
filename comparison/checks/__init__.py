"""One file for each promise; each has a function ``check`` that takes a lab."""
