"""Random lives of a page on a real store: restarts, jumping clocks, presses, news, chats that fail."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.room import ANA, BEN, ED, Room
from watcher.core import Severity
from watcher.oncall.pages import ACKED, ASKED, OPEN
from watcher.store import Store, pages

WHO = st.sampled_from([ANA, BEN, ED])


class Escalation(RuleBasedStateMachine):
    """Whatever happens, in whatever order, the promises of paging hold."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "watcher.db"
        self.room = Room(Store.open(self.path), loops=1)

    def teardown(self) -> None:
        self.room.store.close()
        self.folder.cleanup()

    @initialize(severity=st.sampled_from([Severity.MAJOR, Severity.URGENT]))
    def news_comes(self, severity: Severity) -> None:
        self.room.news(0, severity=severity)

    @rule(number=st.integers(1, 6), severity=st.sampled_from(list(Severity)))
    def more_news(self, number: int, severity: Severity) -> None:
        self.room.news(number, severity=severity)

    @rule(seconds=st.sampled_from([0, 1, 29, 30, 61, 300, 900, 1800, 3600, 86_400]))
    def time_goes_on(self, seconds: int) -> None:
        before = self.room.page()
        pings = self.pings()
        self.room.tick(seconds=seconds)
        after = self.room.page()
        if before.state == after.state == ACKED or before.state == after.state == ASKED:
            assert self.pings() == pings  # who has it is left in peace

    @rule(jump=st.sampled_from([timedelta(hours=1), timedelta(hours=-1), timedelta(days=30), timedelta(days=-1)]))
    def the_clock_is_set(self, jump: timedelta) -> None:
        self.room.now += jump

    @rule()
    def it_restarts(self) -> None:
        self.room.store.close()
        self.room.store = Store.open(self.path)

    @rule(works=st.booleans())
    def channels_fail_or_work(self, *, works: bool) -> None:
        self.room.works = works

    @rule(who=WHO, state=st.sampled_from(["active", "disabled"]))
    def a_chat_blocks_us_or_comes_back(self, who: int, state: str) -> None:
        self.room.chat(f"telegram:{who}", state)

    @rule(
        who=WHO,
        action=st.sampled_from(
            ["ack", "ack", "still", "snooze", "escalate", "done", "close", "reopen", "silence", "note"]
        ),
        behind=st.integers(-1, 3) | st.none(),
    )
    def somebody_presses(self, who: int, action: str, behind: int | None) -> None:
        before = self.room.page()
        self.room.press(who, action, None if behind is None else before.level - behind, note="20")
        after = self.room.page()
        if before.state in (ACKED, ASKED) and after.state in (ACKED, ASKED):
            assert after.acked_by == before.acked_by
        if action == "escalate" and behind:
            assert after == before

    @rule(who=WHO)
    def a_double_tap(self, who: int) -> None:
        level = self.room.page().level
        self.room.press(who, "ack", level)
        once = self.room.page()
        self.room.press(ANA, "ack", level)
        assert self.room.page() == once or once.state == ASKED

    def pings(self) -> int:
        return len(self.room.asked())

    @invariant()
    def no_step_is_taken_twice(self) -> None:
        for page in self.room.store.read_sync(pages.latest, 100):
            sent = Counter(row.id for row in self.room.sent)
            assert max(sent.values(), default=1) == 1
            steps = self.room.store.read_sync(pages.steps, page.id)
            alerts = [step.alert for step in steps if step.alert]
            assert len(set(alerts)) == len(alerts)
            waiting = [step for step in steps if step.state == "waiting"]
            assert len(waiting) == (page.state == OPEN)  # somebody is asked next, if and only if nobody has it

    @invariant()
    def one_page_stands(self) -> None:
        assert len(self.room.store.read_sync(pages.standing)) <= 1


TestEscalation = Escalation.TestCase
TestEscalation.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
