"""What an EA with its key may say at the limits of its fields: no word of it ends the engine."""

from __future__ import annotations

import asyncio
import os
import random
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from tests.seeds import seeded
from tests.venue.metatrader_stage import KEY, MICRO, Stage, run

from thft.gateway.metatrader.protocol import keys as k
from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol import shapes
from thft.gateway.metatrader.protocol.frames import line_of
from thft.model.fixed import parse_price
from thft.sim.metatrader.expert import Expert
from thft.sim.metatrader.terminal import Terminal

STAGES, FRAMES = int(os.environ.get("THFT_EXTREME_STAGES", "16")), 25
WHOLES = ("0", "1", "-1", "2", "3", "4", "7", str(2**31), str(2**53), str(2**63 - 1), str(-(2**63)))
NUMBERS = ("", "0", "-1", "0.01", "1.17", "9223372036.854775807", "-9223372036.8", "92233720368")
TEXTS = ("", "EURUSD", "GBPUSD", "buy", "sell", "in", "out", "inout", "filled", "é" * 99)
FORMS = {"str": TEXTS, "bool": ("0", "1"), "Count": WHOLES, "Whole": ("", *WHOLES)}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("THFT_TEST_MT_KEY", KEY.hex())
    yield


class Words:
    """Makes up frames: what the EA itself has said, with some fields at a limit of their form."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._heard: dict[str, list[str]] = {}

    def learn(self, expert: Expert) -> None:
        """Takes the newest frame of each type."""
        for line in expert.sent:
            _, _, _, name, *fields = line.decode().rstrip().split("|")
            self._heard[name] = fields if name in shapes.BARE else fields[:-1]

    def fields(self, kind: type[Any]) -> list[str]:
        """Returns fields of a frame of a type."""
        chance, forms = self._chance, shapes._FORMS[r.Tick if kind is r.Ticks else kind]
        extreme = [chance.choice(FORMS.get(form, NUMBERS)) for form in forms]
        known = self._heard.get(shapes.name_of(kind))
        if kind is r.Ticks:
            known = known and known[4:10]
        if known is None or chance.random() < 0.2:
            return extreme
        changed = chance.sample(range(len(forms)), min(len(forms), chance.randint(1, 3)))
        return [extreme[at] if at in changed else text for at, text in enumerate(known)]

    def say(self, expert: Expert) -> str:
        """Sends a frame, rightly numbered and signed; returns its body."""
        self.learn(expert)
        kind = self._chance.choice(shapes.FROM_EA[2:])
        name, fields = shapes.name_of(kind), self.fields(kind)
        if kind is r.Ticks:
            fields = ["1", str(expert._pumps[1].next), "0", "1", *fields]
        elif name.endswith("ROW") and self._chance.random() < 0.8:
            fields[0] = "0"  # news, not the answer to a question
        expert._out += 1
        body = "|".join((str(expert._out), name, *fields))
        if name not in shapes.BARE:
            assert expert._keys is not None
            body = k.signed(expert._keys.frames_ea, body)
        expert.raw(line_of(body))
        return body


async def story(stage: Stage, words: Words) -> None:
    broken: list[str] = []

    def noted(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        broken.extend(traceback.format_exception(context["exception"]))

    asyncio.get_running_loop().set_exception_handler(noted)
    engine, expert = await stage.ready()
    engine.may_lack_times, engine.late_ns = True, 1 << 64
    engine.submit(size=MICRO)
    engine.submit(size=MICRO, type="limit", tif="GTC", price=parse_price("1.10000"))
    for _ in range(FRAMES):
        await stage.until(lambda: expert._open and 1 in expert._pumps, "a connection", engine)
        body = words.say(expert)
        await asyncio.sleep(0.005)  # so that what breaks names its frame; the end is judged anyway
        assert not broken, (body, "".join(broken))
    before = len(engine.quotes)

    def goes_on() -> bool:
        stage.tick()  # the first may be taken for one that was made up
        return len(engine.quotes) > before + 10

    await stage.until(goes_on, "a price", engine)
    assert not broken, broken


@pytest.mark.slow
def test_no_frame_of_an_expert_ends_the_engine() -> None:
    words = Words(seeded())
    for number in range(STAGES):
        hedging = number % 2 == 1
        model = "hedging" if hedging else "netting"
        run(lambda stage: story(stage, words), Terminal(hedging=hedging), model=model)
