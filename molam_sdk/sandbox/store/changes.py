"""Changes: who is told that something of the sandbox has changed, and what; nobody listening costs nothing."""

import asyncio


class Subscription:
    """What has changed since it was last asked, for one listener on its event loop; `some` says that something has."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed: set[str] = set()
        self.some = asyncio.Event()

    def tell(self, topic: str) -> None:
        """Note a change, from any thread."""
        self._loop.call_soon_threadsafe(self._note, topic)

    def _note(self, topic: str) -> None:
        self._changed.add(topic)
        self.some.set()

    def take(self) -> list[str]:
        """What has changed since the last time, sorted."""
        self.some.clear()
        changed, self._changed = self._changed, set()
        return sorted(changed)


class Changes:
    """The listeners of one sandbox."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()

    def tell(self, topic: str) -> None:
        """Tell every listener that this topic has changed; from any thread."""
        for subscription in tuple(self._subscriptions):
            subscription.tell(topic)

    def subscribe(self) -> Subscription:
        """A new listener, on the running event loop."""
        subscription = Subscription()
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)
