"""One subscription at work: events of one subject one after the other, different subjects side by side.

Each subject is a lane. Its first event is delivered until the receiver takes it, with growing pauses; after ten attempts in
about three days it is given up as a dead letter, and blocks its lane until somebody skips or replays it.

What is durable, and when. The subscription's cursor may pass an event once it has been delivered or is noted as waiting or
dead. An event in its first attempt (`fresh`) is not noted, it holds the cursor back: in quiet times nothing is written per
event but that it was delivered. As soon as an attempt fails its whole lane is noted, so that one bad subject holds up no
cursor.
"""

import asyncio
import random  # noqa: TID251 - the type only; the source is injected
from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import structlog
from standardwebhooks.webhooks import Webhook

from gateway.contract.clock import Clock
from gateway.contract.subscriptions import DeliveryStatus
from gateway.delivery.ledger import Decision, Ledger
from gateway.delivery.rows import Delivery, Subscription
from gateway.delivery.sender import HEADERS, Answer, Sender, signature
from gateway.kernel.clock import to_datetime
from gateway.kernel.feed import Feed, FeedEvent

log = structlog.get_logger()

PAUSES_S: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Longest pauses after the first, second … failed attempt (Standard Webhooks' example): 75 hours at most."""
RETRY_AFTER_MAX_S: Final = 3_600.0
PARALLEL: Final = 8
ROUSE_PERIOD_S: Final = 30.0
WINDOW: Final = 1_000
"""Undelivered events that are taken up from the feed."""
CHUNK: Final = 100

OVERLOADED: Final = frozenset({429, 502, 503, 504})
"""Answers that speak of the receiver's condition, not of the event."""
GONE: Final = 410


@dataclass(slots=True)
class Lane:
    """The events of one subject that are still to be delivered.

    Attributes:
        seqs: their numbers, ascending.
        busy: the first is being delivered, or its turn will come without any pause.
        pause: until the next attempt.
        extra: the attempt under way comes before the end of its pause (`due`), because the receiver is up again.
    """

    seqs: list[int] = field(default_factory=list[int])
    busy: bool = False
    pause: asyncio.TimerHandle | None = None
    extra: bool = False
    due: float = 0.0


class _Stopped(Exception):  # noqa: N818 - names the condition
    """The subscription disables itself."""


class Endpoint:
    """Delivers the events of one subscription."""

    def __init__(
        self,
        subscription: Subscription,
        open_deliveries: Sequence[Delivery],
        ahead: Iterable[int],
        *,
        feed: Feed,
        sender: Sender,
        ledger: Ledger,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        """Args: open_deliveries, ahead: what the database knows: see `load_open` and `load_ahead`."""
        self._row = subscription
        self._feed = feed
        self._sender = sender
        self._ledger = ledger
        self._clock = clock
        self._rng = rng
        self._signer = Webhook(subscription.secret)
        self._scanned = subscription.cursor
        self._ahead: set[int] = set(ahead)
        self._lanes: dict[str, Lane] = {}
        self._fresh: dict[int, None] = {}
        self._attempts: dict[int, int] = {}
        self._dead: set[int] = set()
        self._pending = 0
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._changed = asyncio.Event()
        self._replay = asyncio.Event()
        self._unanswered: set[str] = set()
        self._is_down = False
        self._next_rouse = 0.0
        for delivery in open_deliveries:
            self._lanes.setdefault(delivery.subject, Lane()).seqs.append(delivery.seq)
            self._pending += 1
            if delivery.attempts:
                self._attempts[delivery.seq] = delivery.attempts
            if delivery.status is DeliveryStatus.DEAD:
                self._dead.add(delivery.seq)

    @property
    def subscription(self) -> Subscription:
        """The subscription as it may be stored now."""
        return replace(self._row, cursor=next(iter(self._fresh)) - 1 if self._fresh else self._scanned)

    @property
    def backlog(self) -> int:
        """Events that have not been delivered, those not looked at included."""
        return self._pending + max(0, self._feed.last_seq - self._scanned)

    @property
    def dead_letters(self) -> int:
        """Deliveries that were given up."""
        return len(self._dead)

    async def run(self) -> None:
        """Deliver until cancelled, or until the subscription is disabled; may be run again after either."""
        self._ready = asyncio.Queue()
        self._unanswered.clear()
        for subject, lane in self._lanes.items():
            # What had failed is tried at once but not counted: a gateway that is often restarted gives nothing up for that.
            attempts = self._attempts.get(lane.seqs[0], 0)
            lane.busy, lane.pause, lane.extra = False, None, attempts > 0
            lane.due = asyncio.get_running_loop().time() + self._pause_s(attempts)
            self._start(subject)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._take_up())
                tasks.create_task(self._take_up_again())
                for _ in range(PARALLEL):
                    tasks.create_task(self._work())
        except* _Stopped as group:
            self.disable(str(group.exceptions[0]))
            log.warning("a subscription is disabled", subscription=self._id, reason=self._row.disabled)
        finally:
            for lane in self._lanes.values():
                if lane.pause is not None:
                    lane.pause.cancel()

    async def enable(self) -> None:
        """Let it be run again where it stopped, once that is durable."""
        await self._ledger.decide(Decision(replace(self.subscription, disabled=None)))
        self._row = replace(self._row, disabled=None)

    def disable(self, reason: str) -> None:
        """Note why it is not to be run."""
        self._row = replace(self._row, disabled=reason)
        self._ledger.touch()

    async def skip(self, seq: int) -> bool:
        """End a dead letter, once that is durable; False if it is none."""
        if seq not in self._dead:
            return False
        subject = next(subject for subject, lane in self._lanes.items() if seq in lane.seqs)
        skipped = self._delivery(seq, subject, DeliveryStatus.SKIPPED)
        await self._ledger.decide(Decision(self.subscription, [skipped]))
        self._settle(seq, subject)
        return True

    async def replay(self, first: int, last: int) -> None:
        """Deliver a range again, once that is durable: its dead letters at once, the rest as it is read from the feed again."""
        last = min(last, self._scanned)
        dead = {
            seq: subject
            for subject, lane in self._lanes.items()
            for seq in lane.seqs
            if seq in self._dead and first <= seq <= last
        }
        waiting = [
            replace(self._delivery(seq, subject, DeliveryStatus.WAITING), attempts=0)
            for seq, subject in dead.items()
        ]
        replaying = replace(self.subscription, replay_next=first, replay_last=last)
        await self._ledger.decide(Decision(replaying, waiting))
        for seq, subject in dead.items():
            self._dead.discard(seq)
            self._attempts.pop(seq, None)
            self._start(subject)
        self._row = replace(self._row, replay_next=first, replay_last=last)
        self._replay.set()

    @property
    def _id(self) -> str:
        return self._row.subscription_id

    async def _take_up(self) -> None:
        """Read the feed, and queue what is wanted."""
        while True:
            page = await self._feed.read(self._scanned, await self._room(), self._row.types)
            for event in page.events:
                if event.seq not in self._ahead:
                    self._fresh[event.seq] = None
                    self._queue(event)
            self._scanned = page.last
            self._ahead = {seq for seq in self._ahead if seq > self._scanned}
            await self._feed.beyond(self._scanned)

    async def _take_up_again(self) -> None:
        """Read the range that is to be replayed, and queue what is wanted."""
        while True:
            first, last = self._row.replay_next, self._row.replay_last
            if first is None or last is None:
                self._replay.clear()
                await self._replay.wait()
                continue
            page = await self._feed.read(first - 1, await self._room(), self._row.types)
            if (self._row.replay_next, self._row.replay_last) != (first, last):
                continue
            for event in page.events:
                if event.seq <= last and not self._is_pending(event):
                    self._note(event.seq, event.subject, DeliveryStatus.WAITING)
                    self._queue(event)
            ended = page.last >= last
            self._row = replace(
                self._row, replay_next=None if ended else page.last + 1, replay_last=None if ended else last
            )
            self._ledger.touch()

    async def _room(self) -> int:
        """Wait until more events can be taken up; return how many."""
        while self._pending >= WINDOW:
            if all(lane.seqs[0] in self._dead for lane in self._lanes.values()):
                raise _Stopped(f"{self.dead_letters} dead letters block all of {self._pending} events")
            self._changed.clear()
            await self._changed.wait()
        return min(CHUNK, WINDOW - self._pending)

    def _is_pending(self, event: FeedEvent) -> bool:
        lane = self._lanes.get(event.subject)
        return lane is not None and event.seq in lane.seqs

    def _queue(self, event: FeedEvent) -> None:
        insort(self._lanes.setdefault(event.subject, Lane()).seqs, event.seq)
        self._pending += 1
        self._start(event.subject)

    def _start(self, subject: str) -> None:
        """Have the first of a lane delivered, unless it is under way, in a pause, or dead."""
        lane = self._lanes[subject]
        if lane.busy:
            return
        if lane.pause is not None or lane.seqs[0] in self._dead:
            self._note_fresh(subject)
            return
        lane.busy = True
        self._ready.put_nowait(subject)

    def _note_fresh(self, subject: str) -> None:
        for seq in self._lanes[subject].seqs:
            if seq in self._fresh:
                self._note(seq, subject, DeliveryStatus.WAITING)

    def _note(self, seq: int, subject: str, status: DeliveryStatus, answer: Answer | None = None) -> None:
        self._fresh.pop(seq, None)
        self._ledger.note(self._delivery(seq, subject, status, answer))

    def _delivery(
        self, seq: int, subject: str, status: DeliveryStatus, answer: Answer | None = None
    ) -> Delivery:
        return Delivery(
            subscription_id=self._id,
            seq=seq,
            subject=subject,
            status=status,
            attempts=self._attempts.get(seq, 0),
            http_status=None if answer is None else answer.status,
            error="" if answer is None else answer.error,
            updated_us=self._clock.now_us(),
        )

    async def _work(self) -> None:
        while True:
            subject = await self._ready.get()
            await self._ledger.room()
            await self._attempt(subject, self._lanes[subject])

    async def _attempt(self, subject: str, lane: Lane) -> None:
        """Deliver the first of a lane, and see what comes of it."""
        seq = lane.seqs[0]
        page = await self._feed.read(seq - 1, 1)
        if not page.events or page.events[0].seq != seq:
            lane.busy = False
            self._note(
                seq, subject, DeliveryStatus.SKIPPED, Answer(None, "the feed does not keep it any more")
            )
            self._settle(seq, subject)
            return
        answer = await self._post(page.events[0])
        lane.busy = False
        if answer.status is not None and 200 <= answer.status < 300:
            self._attempts[seq] = self._attempts.get(seq, 0) + 1
            self._note(seq, subject, DeliveryStatus.DELIVERED, answer)
            lane.extra = False
            self._settle(seq, subject)
            self._rouse()
        elif answer.status == GONE:
            raise _Stopped("the receiver answered 410 Gone")
        else:
            self._fail(seq, subject, lane, replace(answer, error=answer.error or f"HTTP {answer.status}"))

    async def _post(self, event: FeedEvent) -> Answer:
        now = to_datetime(self._clock.now_us())
        event_id = str(event.seq)
        headers = {**HEADERS, **signature(self._signer, event_id, now, event.json)}
        return await self._sender.post(self._row.url, headers, event.json)

    def _settle(self, seq: int, subject: str) -> None:
        """Take an event out of its lane, which goes on with the next one."""
        lane = self._lanes[subject]
        lane.seqs.remove(seq)
        self._attempts.pop(seq, None)
        self._dead.discard(seq)
        self._pending -= 1
        self._changed.set()
        if lane.seqs:
            self._start(subject)
        else:
            del self._lanes[subject]

    def _fail(self, seq: int, subject: str, lane: Lane, answer: Answer) -> None:
        now = asyncio.get_running_loop().time()
        if answer.status is None or answer.status in OVERLOADED:
            self._mark_down(subject, answer)
        if not lane.extra:
            self._attempts[seq] = self._attempts.get(seq, 0) + 1
            if self._attempts[seq] > len(PAUSES_S):
                self._give_up(seq, subject, answer)
                return
            lane.due = now + self._pause_s(self._attempts[seq])
        lane.extra = False
        lane.due = max(lane.due, now + min(answer.retry_after_s, RETRY_AFTER_MAX_S))
        lane.pause = asyncio.get_running_loop().call_at(lane.due, self._rested, subject)
        self._note(seq, subject, DeliveryStatus.WAITING, answer)
        self._note_fresh(subject)

    def _mark_down(self, subject: str, answer: Answer) -> None:
        if answer.retry_after_s <= 0:
            self._unanswered.add(subject)
        if not self._is_down:
            self._is_down = True
            log.warning("a webhook does not take events", subscription=self._id, error=answer.error)

    def _pause_s(self, attempts: int) -> float:
        """Return a pause after so many failed attempts: anything up to the longest one, so that receivers see no waves."""
        return self._rng.uniform(0, PAUSES_S[attempts - 1]) if 0 < attempts <= len(PAUSES_S) else 0.0

    def _give_up(self, seq: int, subject: str, answer: Answer) -> None:
        self._dead.add(seq)
        self._unanswered.discard(subject)
        self._note(seq, subject, DeliveryStatus.DEAD, answer)
        self._start(subject)
        self._changed.set()
        log.warning(
            "a delivery was given up", subscription=self._id, seq=seq, subject=subject, error=answer.error
        )

    def _rested(self, subject: str) -> None:
        self._lanes[subject].pause = None
        self._unanswered.discard(subject)
        self._start(subject)

    def _rouse(self) -> None:
        """The receiver is up: give lanes that pause because it was not an attempt before their time, now and then."""
        if self._is_down:
            self._is_down = False
            log.info("a webhook takes events again", subscription=self._id)
        now = asyncio.get_running_loop().time()
        if not self._unanswered or now < self._next_rouse:
            return
        self._next_rouse = now + ROUSE_PERIOD_S
        roused, self._unanswered = sorted(self._unanswered), set()
        for subject in roused:
            lane = self._lanes[subject]
            if lane.pause is not None:
                lane.pause.cancel()
                lane.pause = None
                lane.extra = True
                self._start(subject)
