"""What the methods of ``ChatStore`` do: plans over a backend's atomic methods.

Arguments are checked and encoded when a plan is made; the plan itself only moves records.
"""

from chatstore.core.operations.by_id import (
    get_message,
    page_messages,
    put_message,
    remove_message,
    truncate,
)
from chatstore.core.operations.conversations import (
    create_conversation,
    delete_conversations,
    fork,
    get_conversation,
    list_conversations,
    snapshot,
    update_conversation,
)
from chatstore.core.operations.encoding import encode
from chatstore.core.operations.maintenance import check, purge_expired, setup
from chatstore.core.operations.messages import (
    add_message,
    add_messages,
    add_new_messages,
    count_messages,
    delete_message,
    delete_messages,
    get_messages,
    set_messages,
)
from chatstore.core.operations.new_records import NewRecord, check_new_record, write_with_record

__all__ = [
    "NewRecord",
    "add_message",
    "add_messages",
    "add_new_messages",
    "check",
    "check_new_record",
    "count_messages",
    "create_conversation",
    "delete_conversations",
    "delete_message",
    "delete_messages",
    "encode",
    "fork",
    "get_conversation",
    "get_message",
    "get_messages",
    "list_conversations",
    "page_messages",
    "purge_expired",
    "put_message",
    "remove_message",
    "set_messages",
    "setup",
    "snapshot",
    "truncate",
    "update_conversation",
    "write_with_record",
]
