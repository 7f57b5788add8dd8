"""A graph of two agents, ``graph_strands.py URL [kill]``: prints the nodes whose models are asked.

With ``kill`` the second node kills the process.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from models_strands import FunctionModel
from strands import Agent
from strands.multiagent import GraphBuilder

from chatstore.strands import ChatStoreSessionManager


def node(name: str) -> Agent:
    """Return an agent."""

    def answer(_: Any) -> Any:
        print(name, flush=True)
        if name == "second" and sys.argv[2:]:
            os.kill(os.getpid(), signal.SIGKILL)
        return [{"text": f"by {name}"}]

    return Agent(FunctionModel(answer), name=name, callback_handler=None)


with ChatStoreSessionManager("s", sys.argv[1]) as session:
    builder = GraphBuilder()
    builder.add_node(node("first"), "first")
    builder.add_node(node("second"), "second")
    builder.add_edge("first", "second")
    builder.set_graph_id("graph")
    builder.set_max_node_executions(10)
    builder.set_session_manager(session)
    result = builder.build()("go")
    print(*(str(result.results[name].result).strip() for name in ("first", "second")), sep=", ")
