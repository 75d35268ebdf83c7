"""The configuration the demo runs with, as TOML text; used by `thft demo` and tests."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from thft.base.errors import LocalError
from thft.sim.quote_file import DAY_NS, read_ticks

_CONFIG = """mode = "demo"
seed = {seed}
data_dir = "{data}"
http_port = {port}

[clock]
source = "{source}"
start_ns = {start_ns}
speed = {speed}

[risk]
max_order_size = "5000000"
max_position = "5000000"
max_orders_per_s = 50
{instruments}
[[venues]]
name = "fast"
dialect = "binance"
role = "fast"
url = "ws://127.0.0.1:{binance}/stream"
symbols = {{ {fast_symbols} }}

[[venues]]
name = "slow"
dialect = "kraken"
role = "slow"
url = "ws://127.0.0.1:{kraken}/v2"
symbols = {{ {slow_symbols} }}

[[accounts]]
name = "slow-paper"
feed = "slow"
latency_ms = [5, 25]
{strategies}"""

_INSTRUMENT = """
[[instruments]]
symbol = "{symbol}"
digits = {digits}
pip = "{pip}"
"""

_STRATEGY = """
[[strategies]]
name = "{name}"
kind = "latency_arbitrage"
[strategies.params]
symbol = "{symbol}"
fast_feed = "fast"
slow_feed = "slow"
account = "slow-paper"
size = "{size}"
delta_mode = "{mode}"
diff_to_open_points = {open}
sl_points = {stop}
order_lifetime_s = 60
offset_mode = "{offset}"
offset_interval_ms = 250
"""

_SYMBOLS = {
    "EURUSD": (5, "0.0001", "100000", 8, 60),
    "GBPUSD": (5, "0.0001", "100000", 10, 70),
    "BTCUSD": (1, "1", "0.5", 180, 900),
}
"""digits, pip, size, points to open, stop points"""


def demo_configuration(
    directory: Path,
    port: int,
    seed: int,
    ports: dict[str, int],
    files: tuple[Path, Path] | None = None,
    speed: str = "1",
    window: tuple[int, int] = (0, DAY_NS),
) -> str:
    """Returns the TOML of a demo over the venues at `ports`, of quote files or of the model."""
    symbols = ["EURUSD"] if files else list(_SYMBOLS)
    start_ns = 0
    if files:
        first = [tick for path in files for tick in islice(read_ticks(path, "", *window), 1)]
        if not first:
            raise LocalError("no quote lies in that time of day", "choose --since and --until anew")
        start_ns = min(tick.ts_ns for tick in first)
    instruments, strategies = "", ""
    for symbol in symbols:
        digits, pip, size, points, stop = _SYMBOLS[symbol]
        instruments += _INSTRUMENT.format(symbol=symbol, digits=digits, pip=pip)
        strategies += _STRATEGY.format(
            name=f"arb-{symbol.lower()}",
            symbol=symbol,
            size="1000000" if files else size,
            mode="standard" if files else "spread_corrected",
            open=5 if files else points,
            stop=stop,
            offset="auto",
        )
    return _CONFIG.format(
        seed=seed,
        data=directory,
        port=port,
        source="market" if files else "wall",
        start_ns=start_ns,
        speed=0.0 if speed == "max" or not files else float(speed),
        binance=ports["binance"],
        kraken=ports["kraken"],
        fast_symbols=", ".join(f'{name} = "{name}"' for name in symbols),
        slow_symbols=", ".join(f'{name} = "{name[:3]}/{name[3:]}"' for name in symbols),
        instruments=instruments,
        strategies=strategies,
    )
