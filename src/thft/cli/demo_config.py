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
{slow}{strategies}"""

_PROVIDER = """
[[venues]]
name = "slow"
dialect = "ctrader"
role = "slow"
symbols = {{ {symbols} }}
[venues.fix]
host = "127.0.0.1"
ports = {{ quote = {quote}, trade = {trade} }}
tls = false
calendar = false
sender_comp_id = "demo.thft.1000002"
username = "1000002"
password = "file:{password}"

[[accounts]]
name = "slow-account"
feed = "slow"
kind = "venue"
"""

_PAPER = """
[[venues]]
name = "slow"
dialect = "kraken"
role = "slow"
url = "ws://127.0.0.1:{kraken}/v2"
symbols = {{ {symbols} }}

[[accounts]]
name = "slow-paper"
feed = "slow"
latency_ms = [5, 25]
"""

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
account = "{account}"
size = "{size}"
delta_mode = "{mode}"
diff_to_open_points = {open}
sl_points = {stop}
order_lifetime_s = 60
offset_mode = "{offset}"
offset_interval_ms = 250
"""

_PASSWORD = Path(__file__).with_name("demo-password")
"""The simulator's, which opens nothing else; a configuration names secrets, it never holds them."""

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
            account="slow-paper" if files else "slow-account",
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
        fast_symbols=", ".join(f'{name} = "{name}"' for name in symbols),
        slow=_slow(symbols, ports, bool(files)),
        instruments=instruments,
        strategies=strategies,
    )


def _slow(symbols: list[str], ports: dict[str, int], files: bool) -> str:
    """Returns the slow venue and its account: paper on Kraken for files, else cTrader's own."""
    if files:
        carried = ", ".join(f'{name} = "{name[:3]}/{name[3:]}"' for name in symbols)
        return _PAPER.format(kraken=ports["kraken"], symbols=carried)
    carried = ", ".join(f'{name} = "{name}"' for name in symbols)
    quote, trade = ports["quote"], ports["trade"]
    return _PROVIDER.format(quote=quote, trade=trade, symbols=carried, password=_PASSWORD)
