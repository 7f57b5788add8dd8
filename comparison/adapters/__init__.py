"""One file for each library; each runs inside that library's environment, without chatstore."""
