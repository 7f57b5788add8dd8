"""``python -m chatstore.cli`` is the command ``chatstore``."""

from chatstore.cli import main

if __name__ == "__main__":  # processes that the contract suite starts import this module
    main()
