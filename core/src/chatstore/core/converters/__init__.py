"""Conversion of messages to and from the formats of providers and user interfaces.

One module is one format. A message that another format's fields do not fit is kept whole as the
message's payload, so that it comes back unchanged.
"""
