"""What is measured: each file talks to one family of packages, inside that family's environment."""
