"""Erasing all conversations of an owner, with a signed receipt.

Before a conversation is deleted, a journal beside the receipt names it with its digest. So a run
that was killed can be continued, and the receipt has what every run erased.
"""
