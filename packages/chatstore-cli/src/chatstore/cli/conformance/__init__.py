"""The contract suite of chatstore-core against a live store, under throw-away prefixes."""
