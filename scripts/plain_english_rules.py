"""The words and names that `scripts.plain_english` bans, and the exceptions.

Readers are engineers, most of them not native speakers: text uses common words in their common
meaning, and one term for one thing (docs/glossary.md).
"""

from __future__ import annotations

from typing import NamedTuple

# Patterns of prose (docstrings, comments, error messages, Markdown), and what to write instead.
PROSE = {
    # Metaphors and rare words.
    r"\blen(d|ds|t|ding)\b": "a pool's connection is acquired and released",
    r"\b(shelf|shelves|loans?)\b": "pool",
    r"\bcolours?\b": "mode (sync or async); color for what is seen",
    r"\bdoubts?\b": "say what is unknown",
    r"\b(un)?sound(ness|ly)?\b": "correct, valid, reusable",
    r"\b(who|what|which)soever\b|\bwhoever\b": "name the actor",
    r"\b(stands?|stood)\b(?!-| (for|in for|out)\b)": "is, is written, is stored",
    r"\bby turns\b|\b(takes?|taking|took) turns\b": "alternately, one after the other",
    r"\banew\b": "again",
    r"\bfor ever\b": "forever, without end",
    r"\bmend(s|ed|ing)?\b": "fix, repair",
    r"\b(in vain|lest|thereof|wherein|henceforth|ere|albeit|heed(s|ed)?)\b": "plain words",
    r"\bmov(e|es|ed|ing) in\b": "import data",
    r"\bclean life\b": "say what it does",
    r"\bso many\b(?! (as|that)\b)": "say the number",
    r"\btell whether\b": "Return whether",
    # "No" and "none" for "not".
    r"(?<!there )\b(is|are|was|were|be|been|that's) (?-i:none)\b": "say what it is not",
    r"(?<!there )\b(is|are|was|were|be|been|being) no "
    r"(?!longer\b|more\b|less\b|earlier\b|later\b|older\b|newer\b|different\b|better\b|worse\b|one\b|"
    r"slower\b|faster\b|larger\b|smaller\b|shorter\b|other\b|such\b)[\w·]+": "is not a …",
    # Things without names.
    r"\b(ours|theirs)\b": "name the owner: the store's, redis-py's",
    r"\bwhat (is|was|are|were|has been|had been) (said|asked|wanted|held|kept)\b": "name the thing",
    # Names that changed.
    r"\bchatstore[-._]lua\b": "chatstore-redis-scripts, chatstore.redis_scripts",
    r"\bchatstore[-._]records\b": "chatstore-conditional, chatstore.conditional",
    r"\bcore[./]migration\b": "chatstore.migrate",
}

# Names that are banned as a whole, without leading and trailing underscores.
BANNED_NAMES = {
    "asked": "requested",
    "wanted": "requested",
    "found": "result",
    "said": "body",
    "some": "batch",
    "places": "positions",
    "kept": "saved",
    "held": "existing",
    "Held": "Existing",
    "without_held": "without_existing",
    "PerLoop": "ClientPerLoop",
    "is_named": "has_caller_id",
    "is_sound": "is_reusable",
    "is_lost": "is_broken",
    "native_of": "payload_for",
    "with_native": "attach_payload",
    "AT_ONCE": "PARSE_BATCH",
    "FOR_EVER": "MAX_TTL",
    "NO_TIME": "EPOCH",
    "EACH_ITEM_ITS_OWN": "TTL_PER_ITEM",
}

# Names that are banned for functions and parameters of tests.
BANNED_IN_TESTS = {
    "do": "call",
    "say": "message",
    "texts": "contents",
}

# Words that no part of a name may be.
BANNED_WORDS_IN_NAMES = {
    "anew": "again",
    "asked": "requested",
    "colour": "mode",
    "colours": "modes",
    "held": "existing",
    "lend": "acquire",
    "lent": "acquired",
    "loan": "acquire, release",
    "ours": "name the owner",
    "said": "body",
    "shelf": "pool",
    "shelves": "pools",
    "theirs": "name the owner",
    "wanted": "requested",
    "whoever": "name the actor",
}

# Names of modules that say nothing about what is in them.
BANNED_MODULES = {
    "bounded": "drivers/",
    "callers": "drivers/",
    "changes": "commit",
    "colours": "modes",
    "given": "drivers/",
    "identities": "id_markers",
    "loops": "event_loops",
    "native": "framework_payload",
    "patient": "retrying",
    "probed": "drivers/",
    "sweeping": "garbage",
    "texts": "encoding",
}


class Allowed(NamedTuple):
    """A word or name that the rules ban, but that a file may contain.

    Attributes:
        path: The file, or a pattern of files.
        text: A pattern of the words or names.
        reason: Why the file may contain them.

    """

    path: str
    text: str
    reason: str


EXCEPTIONS = [
    Allowed("scripts/plain_english_rules.py", "", "the rules themselves"),
]
