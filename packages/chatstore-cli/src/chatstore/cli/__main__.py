"""``python -m chatstore.cli`` is the command ``chatstore``."""

from chatstore.cli import main

main()
