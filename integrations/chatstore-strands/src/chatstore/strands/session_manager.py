"""``ChatStoreSessionManager``: the session of an agent, a graph or a swarm in any store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from strands.session.repository_session_manager import RepositorySessionManager
from strands.types.agent import LocalAgent
from strands.types.session import SessionAgent
from typing_extensions import Self

from chatstore.core import ChatStore
from chatstore.strands.repository import ChatStoreRepository, FoundSession

if TYPE_CHECKING:
    from strands.multiagent import MultiAgentBase


class ChatStoreSessionManager(RepositorySessionManager):
    """Keeps a session in a store: pass it as an agent's ``session_manager``.

    It also continues a conversation that another framework began under the session's id, if the
    agent has no id of its own. Methods also raise what the store's methods raise.
    """

    session_repository: ChatStoreRepository

    def __init__(
        self,
        session_id: str,
        store: ChatStore | ChatStoreRepository | str,
        *,
        owner: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Read the session, or create it.

        Args:
            session_id: The session.
            store: A store or a repository, which are never closed, or the URL of a store, as for
                ``open_store``.
            owner: Whose conversation it is, when it is created. A repository has an owner of its
                own.
            **kwargs: For Strands.

        Raises:
            UnknownSchemeError: No installed distribution has the URL's scheme.
            InvalidArgumentError: ``owner`` does not have 1 to 255 bytes in UTF-8.

        """
        self._is_own = not isinstance(store, ChatStoreRepository)
        repository = (
            store
            if isinstance(store, ChatStoreRepository)
            else ChatStoreRepository(store, owner=owner)
        )
        super().__init__(session_id, repository, **kwargs)
        # A session without a document is new, or another framework began it, or the document has
        # expired before the messages. So Strands must look for agents and graphs.
        self._is_unregistered = self._is_new_session or isinstance(self.session, FoundSession)
        self._is_new_session = False

    def initialize(self, agent: LocalAgent, **kwargs: Any) -> None:
        """Restore an agent; Strands calls it."""
        if self._is_unregistered:
            self._register_existing(agent)
        super().initialize(agent, **kwargs)

    def initialize_multi_agent(self, source: MultiAgentBase, **kwargs: Any) -> None:
        """Restore a graph or swarm; Strands calls it."""
        super().initialize_multi_agent(source, **kwargs)
        if self._is_unregistered:
            self.session_repository.register(self.session_id, "multi_agents", source.id)

    def _register_existing(self, agent: LocalAgent) -> None:
        repository, session_id, agent_id = self.session_repository, self.session_id, agent.agent_id
        if repository.read_agent(session_id, agent_id) is not None:
            repository.register(session_id, "agents", agent_id)
        elif repository.store.count_messages(repository.key_for(session_id, agent_id)):
            # Strands reads the messages of agents that it knows.
            repository.create_agent(session_id, SessionAgent.from_agent(agent))

    def close(self) -> None:
        """Close the store if it was opened by URL; every later call raises `StoreClosedError`."""
        if self._is_own:
            self.session_repository.close()

    def __enter__(self) -> Self:
        """Return the session manager, which is closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the session manager."""
        self.close()
