// Values as a trader reads them; a missing one is a dash, never a zero.

export const MISSING = "—";

export function text(value: string | number | null | undefined): string {
  return value === null || value === undefined || value === "" ? MISSING : String(value);
}

export function grouped(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return MISSING;
  const [whole = "", fraction] = String(value).split(".");
  const sign = whole.startsWith("-") ? "−" : "";
  const digits = whole.replace("-", "").replace(/\B(?=(\d{3})+(?!\d))/g, " ");
  return sign + digits + (fraction ? `.${fraction}` : "");
}

export function money(value: string | null, currency: string): string {
  if (value === null) return MISSING;
  const plus = tone(value) === "up" ? "+" : "";
  return `${plus}${grouped(value)}${currency ? ` ${currency}` : ""}`;
}

export function tone(value: string | null): "up" | "down" | "" {
  if (value === null || /^-?0*(\.0*)?$/.test(value)) return "";
  return value.startsWith("-") ? "down" : "up";
}

// Pads prices of one symbol to the same number of decimals at least, so that columns stand still.
export function padded(value: string | null, decimals: number): string {
  if (value === null) return MISSING;
  const [whole = "", fraction = ""] = value.split(".");
  const places = fraction.padEnd(decimals, "0");
  return places ? `${whole}.${places}` : whole;
}

export function decimals(values: (string | null)[]): number {
  return values.reduce((most, value) => Math.max(most, value?.split(".")[1]?.length ?? 0), 0);
}

export function milliseconds(ns: number): string {
  const ms = ns / 1e6;
  return ms.toFixed(Math.abs(ms) < 10 ? 2 : 1).replace("-", "−");
}

// Faults by kind, the most frequent first.
export function faults(counts: Record<string, number>): string {
  const named = Object.entries(counts).sort(([, one], [, other]) => other - one);
  return named.length ? named.map(([fault, count]) => `${fault} ${count}`).join(", ") : MISSING;
}

// Free room on the journal's disk, and for how many days it suffices once that is known.
export function room(disk: { free_bytes: number | null; days_left: number | null }): string {
  if (disk.free_bytes === null) return MISSING;
  const free = `${(disk.free_bytes / 2 ** 30).toFixed(1)} GiB free`;
  return disk.days_left === null ? free : `${free}, ${grouped(Math.floor(disk.days_left))} days`;
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});

export function time(ns: number | null): string {
  return ns === null ? MISSING : clock.format(ns / 1e6);
}

// A server's own time of day, and how far it is from UTC, with how sure that is.
export function serverTime(said: {
  server_time_ms?: number;
  server_offset_ms?: number;
  server_uncertain_ms?: number;
}): string {
  if (said.server_time_ms === undefined) return MISSING;
  const shown = new Date(said.server_time_ms).toISOString().slice(11, 19);
  if (said.server_offset_ms === undefined) return shown;
  const minutes = Math.abs(said.server_offset_ms) / 60_000;
  const hours = String(Math.floor(minutes / 60)).padStart(2, "0");
  const zone = `UTC${said.server_offset_ms < 0 ? "−" : "+"}${hours}:${String(minutes % 60).padStart(2, "0")}`;
  const sure = said.server_uncertain_ms;
  return `${shown} ${zone}${sure === undefined ? "" : ` ±${(sure / 1_000).toFixed(1)} s`}`;
}

export function exactTime(ns: number): string {
  return new Date(ns / 1e6).toISOString().replace("T", " ");
}

export function age(ns: number | null, nowNs: number): string {
  if (ns === null) return MISSING;
  const seconds = Math.max(0, (nowNs - ns) / 1e9);
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
