// The page's one copy of the engine: a snapshot, then rows; components subscribe to it.

import { useSyncExternalStore } from "react";
import type {
  Account,
  Counters,
  DeltaPoint,
  Fill,
  Notice,
  Order,
  Position,
  Quote,
  RowMessage,
  Snapshot,
  Strategy,
  Feed,
  TicksMessage,
  TicksSnapshot,
} from "./types";

const NEWEST = 50;
const POINTS_KEPT = 3000;

export type Link = "connecting" | "live" | "polling";

export interface View {
  link: Link;
  // When the last message came, by the browser's clock (ms).
  heardMs: number;
  engine: Snapshot | null;
}

export interface Series {
  t: number[];
  fast: number[];
  slow: number[];
  delta: number[];
}

let view: View = { link: "connecting", heardMs: 0, engine: null };
const watchers = new Set<() => void>();
const seriesWatchers = new Set<(symbol: string) => void>();
export const series = new Map<string, Series>();

function publish(next: Partial<View>): void {
  view = { ...view, ...next };
  for (const watcher of watchers) watcher();
}

function subscribe(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export function useView(): View {
  return useSyncExternalStore(subscribe, () => view);
}

export function onSeries(watcher: (symbol: string) => void): () => void {
  seriesWatchers.add(watcher);
  return () => seriesWatchers.delete(watcher);
}

export function setLink(link: Link): void {
  if (view.link !== link) publish({ link });
}

export function takeSnapshot(engine: Snapshot): void {
  publish({ engine, heardMs: Date.now() });
}

function upsert<Row>(rows: Row[], row: Row, same: (other: Row) => boolean): Row[] {
  const at = rows.findIndex(same);
  return at < 0 ? [...rows, row] : rows.with(at, row);
}

function newest<Row>(rows: Row[], row: Row, same: (other: Row) => boolean): Row[] {
  const at = rows.findIndex(same);
  return at < 0 ? [row, ...rows].slice(0, NEWEST) : rows.with(at, row);
}

type Change = (engine: Snapshot, row: never) => Partial<Snapshot>;

const changes: Record<string, Change> = {
  order: (engine, row: Order) => ({
    orders: newest(engine.orders, row, (one) => one.client_order_id === row.client_order_id),
  }),
  fill: (engine, row: Fill) => ({
    fills: newest(engine.fills, row, (one) => one.seq === row.seq),
  }),
  event: (engine, row: Notice) => ({
    events: newest(engine.events, row, (one) => one.seq === row.seq),
  }),
  position: (engine, row: Position) => {
    const same = (one: Position) =>
      one.account === row.account &&
      one.symbol === row.symbol &&
      one.position_id === row.position_id;
    // a position with an id never comes back once it is closed
    const gone = row.position_id !== "" && row.side === "flat";
    return {
      positions: gone
        ? engine.positions.filter((one) => !same(one))
        : upsert(engine.positions, row, same),
    };
  },
  strategy: (engine, row: Strategy) => ({
    strategies: upsert(engine.strategies, row, (one) => one.strategy === row.strategy),
  }),
  feed: (engine, row: Feed) => ({
    feeds: upsert(engine.feeds, row, (one) => one.name === row.name),
  }),
  account: (engine, row: Account) => ({
    accounts: upsert(engine.accounts, row, (one) => one.account === row.account),
  }),
  kill: (_engine, row) => ({ kill: row }),
  durability: (_engine, row) => ({ durability: row }),
  disk: (_engine, row) => ({ disk: row }),
  totals: (_engine, row) => ({ totals: row }),
  restart: (engine, row: { epoch: number; ts_ns: number }) => ({
    restarts: upsert(engine.restarts, row, (one) => one.epoch === row.epoch),
  }),
  metrics: (engine, row: { kind: string } & Counters) =>
    row.kind === "node" ? { counters: { ...engine.counters, ...row } } : {},
};

export function takeRow(message: RowMessage): void {
  const engine = view.engine;
  const change = changes[message.type];
  if (engine === null || message.seq < engine.seq) return;
  const changed = change ? change(engine, message.row) : {};
  publish({
    engine: { ...engine, ...changed, seq: message.seq, ts_ns: message.ts_ns },
    heardMs: Date.now(),
  });
}

function mergeQuotes(quotes: Quote[], changed: Quote[]): Quote[] {
  return changed.reduce(
    (rows, row) => upsert(rows, row, (one) => one.feed === row.feed && one.symbol === row.symbol),
    quotes,
  );
}

export function takeTicks(message: TicksMessage): void {
  for (const [symbol, points] of Object.entries(message.delta)) appendPoints(symbol, points);
  const engine = view.engine;
  if (engine === null) return;
  const quotes = mergeQuotes(engine.quotes, message.quotes);
  publish({
    engine: { ...engine, quotes, ts_ns: Math.max(engine.ts_ns, message.ts_ns) },
    heardMs: Date.now(),
  });
}

export function takeHistory(message: TicksSnapshot): void {
  series.clear();
  for (const [symbol, columns] of Object.entries(message.history)) {
    series.set(symbol, {
      t: columns.t_ns.map((ns) => ns / 1e9),
      fast: columns.fast_mid,
      slow: columns.slow_mid,
      delta: columns.delta_pips,
    });
    for (const watcher of seriesWatchers) watcher(symbol);
  }
}

function appendPoints(symbol: string, points: DeltaPoint[]): void {
  const kept = series.get(symbol) ?? { t: [], fast: [], slow: [], delta: [] };
  for (const [ns, fast, slow, delta] of points) {
    kept.t.push(ns / 1e9);
    kept.fast.push(fast);
    kept.slow.push(slow);
    kept.delta.push(delta);
  }
  const surplus = kept.t.length - POINTS_KEPT;
  if (surplus > 0) for (const column of Object.values(kept)) column.splice(0, surplus);
  series.set(symbol, kept);
  for (const watcher of seriesWatchers) watcher(symbol);
}
