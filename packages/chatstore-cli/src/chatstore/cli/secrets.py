"""Secrets in URLs, which no output may contain."""

from __future__ import annotations

import re

# Also in the middle of a sentence, as in a message about an argument that is not expected. Quotes
# do not end a URL, since a password may contain them.
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<rest>\S*)")
HIDDEN = "***"


def hide_secrets(text: str) -> str:
    """Return a text with the user, the password and the options of each URL replaced by ``***``.

    All options are replaced, since a key, a token or a signature may have any name.
    """
    return _URL.sub(_without_secrets, text)


def _without_secrets(match: re.Match[str]) -> str:
    scheme, rest = match["scheme"], match["rest"]
    # A password may contain "@", "/" and "?", so everything up to the last "@" is replaced.
    _, at, address = rest.rpartition("@")
    address, question_mark, _ = address.partition("?")
    user = f"{HIDDEN}@" if at else ""
    options = f"?{HIDDEN}" if question_mark else ""
    return f"{scheme}{user}{address}{options}"
