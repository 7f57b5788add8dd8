"""What stores of several libraries promise, checked with one suite on the same servers."""
