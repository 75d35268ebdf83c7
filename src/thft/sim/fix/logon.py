"""By which rules a simulated venue admits a Logon and hears a message; asked by its door."""

from __future__ import annotations

from dataclasses import dataclass

from thft.fix import tags
from thft.fix.session import ResendPolicy, Session, SessionConfig, Store
from thft.fix.wire import ABSENT, BadValue, Header, Message, pack
from thft.gateway.dialect import Link
from thft.gateway.fix_link import now
from thft.sim.fix.client import WRONG_VALUE
from thft.sim.fix.keys import genuine
from thft.sim.fix.profile import ERROR_CODE, Body, Login, Profile

SECOND_NS = 1_000_000_000
OUT_OF_ORDER = 14
UTC_FORMAT = 6
SIGNATURE_PROBLEM = 8


@dataclass
class _Blocked:
    until_ns: int
    text: str


class LogonRules:
    """The rules of one venue, and which SenderCompIDs must wait."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._dialect = profile.dialect
        self._blocked: dict[str, _Blocked] = {}

    def block(self, comp_id: str, seconds: float) -> None:
        """Refuses Logons of a 49 for a while."""
        until_ns = now().monotonic_ns + int(seconds * SECOND_NS)
        self._blocked[comp_id] = _Blocked(until_ns, self._profile.quirks.locked_out)

    def good_header(self, terms: Link, message: Message) -> bool:
        """Returns whether a message has the header without which the venue is silent."""
        verdict = self._dialect.dictionary.validate(message)
        if verdict is not None and verdict.reason == OUT_OF_ORDER:
            return False
        try:
            if message.timestamp_ns(tags.SENDING_TIME) == ABSENT:
                return False
        except BadValue:
            return False
        for tag, text in self._header(terms).items():
            value = message.text(tag)
            wrong = value != text and message.type != tags.MSG_LOGON
            if value is None or wrong:
                return False
        return message.get(tags.SENDER_COMP_ID) is not None

    def _header(self, terms: Link) -> dict[int, str]:
        """Returns what the header of every message must say."""
        wanted = {int(tag): text for tag, text in terms.header.items() if text[:1] != "{"}
        if "{target_sub_id}" in terms.header.values():
            wanted[tags.TARGET_SUB_ID] = self._profile.sub_id
        return wanted

    def judge(self, terms: Link, logon: Message) -> tuple[Login | None, str]:
        """Returns whose Logon it is, and why it is refused; empty when it is good."""
        login = next((one for one in self._profile.logins if self._names(logon, one)), None)
        if login is None or not self._routed(terms, logon):
            return login, self._profile.quirks.wrong_route
        return login, self._refusal(logon, login)

    def _names(self, logon: Message, login: Login) -> bool:
        """Returns whether a Logon is of this login: by its 49, or by its key where 49 is free."""
        if self._dialect.comp_ids.drawn:
            return logon.text(tags.USERNAME) == login.username
        return logon.text(tags.SENDER_COMP_ID) == login.comp_id

    def _routed(self, terms: Link, logon: Message) -> bool:
        ours, theirs = self._profile.comp_id, logon.text(tags.TARGET_COMP_ID) or ""
        if self._dialect.comp_ids.match == "any_case":
            ours, theirs = ours.lower(), theirs.lower()
        subs = all(logon.text(tag) == text for tag, text in self._header(terms).items())
        return ours == theirs and subs

    def _refusal(self, logon: Message, login: Login) -> str:
        quirks, terms = self._profile.quirks, self._dialect.logon
        if not self.comes_later(logon) and not self.matches(logon, login):
            return quirks.wrong_login
        if login.state == "blocked":
            return quirks.blocked
        blocked = self._blocked.get(logon.text(tags.SENDER_COMP_ID) or "")
        if blocked is not None and now().monotonic_ns < blocked.until_ns:
            return blocked.text
        interval, high = logon.integer(tags.HEART_BT_INT), terms.heartbeat_max_s
        if interval < terms.heartbeat_min_s or (high and interval > high):
            return f"HeartBtInt must be from {terms.heartbeat_min_s} to {high}"
        return ""

    def comes_later(self, logon: Message) -> bool:
        """Returns whether credentials may follow in a UserRequest."""
        return self._dialect.logon.user_request and logon.get(tags.USERNAME) is None

    def matches(self, message: Message, login: Login) -> bool:
        """Returns whether a message has a login's credentials."""
        if message.text(tags.USERNAME) != login.username:
            return False
        if self._dialect.logon.signature != "none":
            return login.key is not None and genuine(login.key, message)
        return message.text(tags.PASSWORD) == login.password

    def last_words(self, logon: Message, text: str) -> bytes:
        """Returns what refuses a Logon, Logout or Reject; empty for a venue that is silent."""
        quirks = self._profile.quirks
        if quirks.refuses_logon_by == "silence":
            return b""
        peer = logon.get(tags.SENDER_COMP_ID) or b"?"
        fields = [
            (tags.SENDER_COMP_ID, self._profile.comp_id.encode()),
            (tags.TARGET_COMP_ID, peer),
        ]
        if ours := logon.get(tags.TARGET_SUB_ID):
            fields.append((tags.SENDER_SUB_ID, ours))
        header = Header(self._dialect.begin_string, fields, self._dialect.timestamp_digits)
        kind, body = tags.MSG_LOGOUT, [(tags.TEXT, text)]
        if quirks.session_rejects:
            kind, body = tags.MSG_REJECT, self._reject(logon, text)
        return header.encode(kind, 1, now().utc_ns, pack(body))

    def _reject(self, logon: Message, text: str) -> Body:
        quirks = self._profile.quirks
        unsigned = text == quirks.wrong_login
        code = quirks.error_codes.get(text)
        return [
            (tags.REF_SEQ_NUM, logon.seq),
            (tags.REF_MSG_TYPE, tags.MSG_LOGON),
            (tags.SESSION_REJECT_REASON, SIGNATURE_PROBLEM if unsigned else WRONG_VALUE),
            (tags.TEXT, text),
            *([] if code is None else [(ERROR_CODE, code)]),
        ]

    def session(self, logon: Message, store: Store) -> Session:
        """Returns the session for a Logon: in its header we are whom the client has addressed."""
        header: list[tuple[int, str | bytes | int]] = []
        for theirs, ours in (
            (tags.TARGET_SUB_ID, tags.SENDER_SUB_ID),
            (tags.SENDER_SUB_ID, tags.TARGET_SUB_ID),
        ):
            if value := logon.get(theirs):
                header.append((ours, value))
        config = SessionConfig(
            sender=self._profile.comp_id,
            target=logon.text(tags.SENDER_COMP_ID) or "",
            dictionary=self._dialect.dictionary,
            header=tuple(header),
            reset_on_logon=self._dialect.reset == "required",
            check_comp_ids=self._dialect.comp_ids.match == "exact",
            timestamp_digits=self._dialect.timestamp_digits,
            resend=ResendPolicy(order_age_ns=None),
        )
        return Session(config, store)
