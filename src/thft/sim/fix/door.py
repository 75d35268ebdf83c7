"""The ports of a simulated venue and the clients that have come in; owned by the venue.

One port for every link of the dialect. Numbers of a session that goes on are kept by link and
SenderCompID for as long as the venue lives.
"""

from __future__ import annotations

import asyncio
import ssl

from thft.fix import tags
from thft.fix.session import LOGGED_ON_STATES, MemoryStore, Sent, State
from thft.fix.wire import Garbled, Message, pack
from thft.gateway.dialect import Link
from thft.gateway.fix_link import FixLink, Unit, now
from thft.sim.fix.client import Client, House
from thft.sim.fix.logon import LogonRules
from thft.sim.fix.profile import Body
from thft.sim.fix.wire import VenueLink

LOGON_TIMEOUT_S = 10.0


class Door:
    """All ports, logons and clients of a venue."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._profile = house.profile
        self.rules = LogonRules(house.profile)
        self.clients: list[Client] = []
        """Those that are logged on, in the order in which they came."""
        self.logons = 0
        self.refusals: list[str] = []
        """Why Logons were refused, in words."""
        self._owners: dict[VenueLink, Client | None] = {}
        """All connections; None before their Logon."""
        self._stores: dict[tuple[str, str], MemoryStore] = {}
        self._servers: list[asyncio.Server] = []

    async def listen(self, terms: Link, port: int, tls: ssl.SSLContext | None) -> int:
        """Begins to listen for one link of the dialect on 127.0.0.1; returns the port."""
        owner = _Port(self, terms)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(owner.link, "127.0.0.1", port, ssl=tls)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stops listening and cuts every connection."""
        for server in self._servers:
            server.close()
        for link in list(self._owners):
            link.cut()

    # ---- clients -------------------------------------------------------------------------------

    def order_sessions(self, account: str) -> list[Client]:
        """Returns the sessions that hear the reports of an account."""
        there = [
            one
            for one in self.clients
            if "orders" in one.terms.roles
            and one.login.account == account
            and one.known
            and one.logged_on
        ]
        return there if self._profile.dialect.orders.copies else there[-1:]

    def keep(self, account: str, kind: str, body: Body) -> None:
        """Numbers a message that nobody is there for; sessions that go on ask for it later."""
        for login in self._profile.logins:
            for terms in self._profile.dialect.links:
                store = self._stores.get((terms.name, login.comp_id))
                if store and login.account == account and "orders" in terms.roles:
                    store.append(Sent(store.next_out, kind, now().utc_ns, pack(body)))

    def moved(self, client: Client, state: State) -> None:
        """Counts clients in and out."""
        if state in LOGGED_ON_STATES and client not in self.clients:
            self.clients.append(client)
            self.logons += 1
        elif state is State.DISCONNECTED and client in self.clients:
            self.clients.remove(client)

    def breach(self, client: Client) -> None:
        """Does what too many messages bring."""
        self.rules.block(client.comp_id, self._profile.dialect.breach.lockout_s)
        client.link.logout(self._profile.quirks.threshold_text)

    # ---- connections ---------------------------------------------------------------------------

    def connected(self, link: VenueLink) -> None:
        """Counts a connection; one that does not log on in time is dropped."""
        self._owners[link] = None
        asyncio.get_running_loop().call_later(LOGON_TIMEOUT_S, self._late, link)

    def _late(self, link: VenueLink) -> None:
        if link in self._owners and link.session is None:
            link.drop(f"no Logon within {LOGON_TIMEOUT_S:g} s")

    def hears(self, link: VenueLink, terms: Link, message: Message) -> bool:
        """Returns False for what the venue does not hear; counts messages of a session."""
        quirks = self._profile.quirks
        if quirks.silent_on_bad_header and not self.rules.good_header(terms, message):
            return False
        client = self._owners.get(link)
        limited = client is not None and client.logged_on and quirks.threshold
        if client and limited and client.too_fast(limited, now().monotonic_ns):
            self.breach(client)
        return True

    def logon(self, link: VenueLink, terms: Link, unit: Unit) -> None:
        """Judges the first message of a connection."""
        if isinstance(unit, Garbled) or unit.type != tags.MSG_LOGON:
            link.drop("the first message was no Logon")
            return
        login, refusal = self.rules.judge(terms, unit)
        if refusal or login is None:
            self.refusals.append(refusal)
            link.drop(f"Logon refused: {refusal}", self.rules.last_words(unit, refusal))
            return
        comp_id = unit.text(tags.SENDER_COMP_ID) or ""
        if self._there(terms, comp_id):
            twice = self._profile.quirks.twice
            self.refusals.append("logged on already")
            link.drop("logged on already", self.rules.last_words(unit, twice) if twice else b"")
            return
        client = Client(self._house, link, terms, login, comp_id)
        client.known = not self.rules.comes_later(unit)
        self._owners[link] = client
        link.attach(self.rules.session(unit, self._store(terms, login.comp_id)), client)

    def _there(self, terms: Link, comp_id: str) -> bool:
        """Returns whether a 49 is taken: on this link, or on any where each has one of its own."""
        rule = self._profile.dialect.comp_ids
        same = [one for one in self.clients if one.comp_id == comp_id]
        return rule.unique and any(rule.drawn or one.terms is terms for one in same)

    def _store(self, terms: Link, comp_id: str) -> MemoryStore:
        if self._profile.dialect.reset == "required":
            return MemoryStore()
        return self._stores.setdefault((terms.name, comp_id), MemoryStore())

    def ended(self, link: VenueLink, reason: str) -> None:
        """Forgets a connection; some venues hold an unclean end against its 49."""
        client = self._owners.pop(link, None)
        if client is None:
            return
        self.moved(client, State.DISCONNECTED)
        beats = self._profile.dialect.comp_ids.blocked_heartbeats
        if beats and "logged out" not in reason:
            self.rules.block(client.comp_id, beats * client.session.heartbeat_s)


class _Port:
    """The owner of the connections of one port."""

    def __init__(self, door: Door, terms: Link) -> None:
        self._door = door
        self._terms = terms

    def link(self) -> VenueLink:
        """Makes a connection."""
        house, door = self._door._house, self._door
        link = VenueLink(
            self,
            self._terms.name,
            house.faults,
            lambda message: door.hears(link, self._terms, message),
            house.profile.quirks.padded_length,
        )
        door.connected(link)
        return link

    def first(self, link: FixLink, unit: Unit) -> None:
        """See LinkOwner."""
        assert isinstance(link, VenueLink)
        self._door.logon(link, self._terms, unit)

    def ended(self, link: FixLink, reason: str) -> None:
        """See LinkOwner."""
        assert isinstance(link, VenueLink)
        self._door.ended(link, reason)
