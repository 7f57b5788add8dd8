"""Text that would do something to a terminal."""

HOSTILE = (
    "\x1b[31mred\x1b[2J\x1b]0;title\x07\x9b1A\r\b\x7f"
    "\u202ereversed\u2066\u200b\ufeff\x1b]52;c;aGk=\x1b\\"
)
FORBIDDEN = (
    "\x07\x08\x9b\x7f\u202e\u2066\u200b\ufeff"  # escape and carriage return: programs use them
)
