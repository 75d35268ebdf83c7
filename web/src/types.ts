// What the api sends; prices, sizes and money are decimal texts, null when absent.

export type Text = string | null;

export interface Quote {
  feed: string;
  symbol: string;
  bid: Text;
  bid_size: Text;
  ask: Text;
  ask_size: Text;
  recv_ts_ns: number | null;
  quality: "good" | "crossed" | "locked" | "stale" | "bad";
  crossed: number;
  locked: number;
  faults: Record<string, number>;
}

export interface Feed {
  feed: number;
  name: string;
  venue: string;
  role: "fast" | "slow" | "";
  state: string;
  reason: string;
  since_ns: number | null;
  quotes: number;
  faults: Record<string, number>;
  last_ns: number | null;
  reconnects: number;
  ticks_per_s: number | null;
  clock: Clock | null;
  // Symbols that are not dealt until a person confirms what the venue says now.
  blocked: { symbol: string; reason: string }[];
}

// Ours minus the venue's clock, within ± uncertainty; drift in parts per billion.
export interface Clock {
  offset_ns: number;
  uncertainty_ns: number;
  skew_ppb: number | null;
  round_trip_ns: number;
}

export interface Account {
  account: string;
  kind: "paper" | "venue";
  feed: string;
  state: string;
  reason: string;
  logons: number;
  currency: string;
  broker: Broker | null;
}

// What an account's broker has said last; a number it has not said is not there.
export interface Broker {
  at_ns: number;
  balance?: string;
  equity?: string;
  margin?: string;
  margin_free?: string;
  leverage?: number;
  server_time_ms?: number;
  server_offset_ms?: number;
  server_uncertain_ms?: number;
  terminal_ping_us?: number;
  reconnects?: number;
}

export interface Order {
  client_order_id: string;
  strategy: string;
  account: string;
  symbol: string;
  side: "buy" | "sell";
  type: Text;
  size: Text;
  price: Text;
  state: string;
  filled: Text;
  avg_price: Text;
  reason: string;
  submitted_ns: number;
  updated_ns: number;
  seq: number;
}

export interface Fill {
  exec_id: string;
  client_order_id: string;
  strategy: string;
  account: string;
  symbol: string;
  side: "buy" | "sell";
  size: Text;
  price: Text;
  ts_ns: number;
  realised_pnl: string;
  currency: string;
  seq: number;
}

export interface Position {
  account: string;
  symbol: string;
  position_id: string;
  side: "long" | "short" | "flat";
  size: Text;
  avg_price: Text;
  realised_pnl: string;
  unrealised_pnl: Text;
  currency: string;
  updated_ns: number;
}

export type ParameterValue = string | number | boolean;

export interface Strategy {
  strategy: string;
  kind: string;
  state: "ENABLED" | "DISABLED" | "DEGRADED";
  reason: string;
  revision: number;
  params: Record<string, ParameterValue>;
  counters: Record<string, number>;
  pnl: string;
  round_trips: number;
  wins: number;
  losses: number;
}

export interface Notice {
  seq: number;
  ts_ns: number;
  kind: string;
  severity: "info" | "warning" | "error";
  text: string;
}

export interface Kill {
  on: boolean;
  reason: string;
  since_ns: number | null;
}

export interface Durability {
  state: "OK" | "DEGRADED";
  reason: string;
  written_seq: number | null;
  durable_seq: number | null;
}

export interface Disk {
  level: "OK" | "LOW" | "FULL";
  reason: string;
  free_bytes: number | null;
  bytes_a_day: number | null;
  days_left: number | null;
}

export interface Totals {
  realised_pnl: string;
  unrealised_pnl: Text;
  fees: string;
  round_trips: number;
  wins: number;
  losses: number;
  currency: string;
}

export interface Counters {
  quotes: number;
  orders: number;
  denied: number;
  fills: number;
}

export interface Snapshot {
  type: "snapshot";
  seq: number;
  ts_ns: number;
  mode: string;
  feeds: Feed[];
  accounts: Account[];
  quotes: Quote[];
  strategies: Strategy[];
  orders: Order[];
  fills: Fill[];
  positions: Position[];
  kill: Kill;
  durability: Durability;
  disk: Disk;
  totals: Totals;
  counters: Counters;
  events: Notice[];
  restarts: { epoch: number; ts_ns: number }[];
}

export interface RowMessage {
  type: string;
  seq: number;
  ts_ns: number;
  row: never;
}

// t_ns, fast mid, slow mid, delta in pips.
export type DeltaPoint = [number, number, number, number];

export interface TicksMessage {
  type: "ticks";
  seq: number;
  ts_ns: number;
  quotes: Quote[];
  delta: Record<string, DeltaPoint[]>;
}

export interface TicksSnapshot {
  type: "snapshot";
  seq: number;
  ts_ns: number;
  quotes: Quote[];
  history: Record<
    string,
    { t_ns: number[]; fast_mid: number[]; slow_mid: number[]; delta_pips: number[] }
  >;
}

export interface ParameterSchema {
  required?: string[];
  properties: Record<string, ParameterField>;
}

export interface ParameterField {
  type?: string;
  enum?: string[];
  description?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  "x-unit"?: string;
  "x-hot"?: "H" | "F" | "C";
}
