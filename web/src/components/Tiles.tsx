// The figures one looks at first.

import { MISSING, grouped, money, tone } from "../format";
import type { Snapshot } from "../types";

export function Tiles({ engine }: { engine: Snapshot }) {
  const { totals, counters } = engine;
  const decided = totals.wins + totals.losses;
  const rate = decided ? `${((100 * totals.wins) / decided).toFixed(1)} %` : MISSING;
  const speeds = engine.feeds.map((feed) => feed.ticks_per_s).filter((one) => one !== null);
  const speed = speeds.length ? speeds.reduce((sum, one) => sum + one, 0) : null;
  return (
    <ul className="tiles">
      <Tile
        name="Realised P&L"
        value={money(totals.realised_pnl, totals.currency)}
        tone={tone(totals.realised_pnl)}
      />
      <Tile
        name="Open P&L"
        value={money(totals.unrealised_pnl, totals.currency)}
        tone={tone(totals.unrealised_pnl)}
      />
      <Tile name="Round trips" value={grouped(totals.round_trips)} />
      <Tile name="Win rate" value={rate} note={`${totals.wins} won, ${totals.losses} lost`} />
      <Tile name="Fills" value={grouped(counters.fills)} note={`${counters.denied} denied`} />
      <Tile
        name="Quotes / s"
        value={grouped(speed)}
        note={`${grouped(counters.quotes)} since the beginning`}
      />
    </ul>
  );
}

function Tile(props: { name: string; value: string; tone?: string; note?: string }) {
  return (
    <li>
      <span className="name">{props.name}</span>
      <strong className={props.tone ?? ""}>{props.value}</strong>
      <span className="note">{props.note ?? ""}</span>
    </li>
  );
}
