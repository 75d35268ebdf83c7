// The two sockets, the poll that stands in while they are down, and commands.

import { setLink, takeHistory, takeRow, takeSnapshot, takeTicks } from "./store";
import type { ParameterSchema, Snapshot } from "./types";

const POLL_MS = 3000;
const SILENT_MS = 45_000;
const LONGEST_WAIT_MS = 10_000;
const LOOK_MS = 200;
const LOOKS = 25;

function open(path: string, take: (message: never) => void, up: (is: boolean) => void): void {
  let failures = 0;
  const connect = (): void => {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${path}`);
    let silence = 0;
    const heard = (): void => {
      clearTimeout(silence);
      silence = window.setTimeout(() => socket.close(), SILENT_MS);
    };
    socket.onopen = () => {
      failures = 0;
      heard();
      up(true);
    };
    socket.onmessage = (event: MessageEvent<string>) => {
      heard();
      take(JSON.parse(event.data) as never);
    };
    socket.onclose = () => {
      clearTimeout(silence);
      up(false);
      const wait = Math.min(250 * 2 ** failures, LONGEST_WAIT_MS) * (0.75 + Math.random() / 2);
      failures += 1;
      window.setTimeout(connect, wait);
    };
  };
  connect();
}

export function start(): void {
  let live = false;
  open(
    "/ws/execution",
    (message: { type: string }) => {
      if (message.type === "snapshot") takeSnapshot(message as Snapshot);
      else if (message.type !== "ping" && message.type !== "pong") takeRow(message as never);
    },
    (is) => {
      live = is;
      setLink(is ? "live" : "connecting");
    },
  );
  open(
    "/ws/ticks",
    (message: { type: string }) => {
      if (message.type === "snapshot") takeHistory(message as never);
      else if (message.type === "ticks") takeTicks(message as never);
    },
    () => undefined,
  );
  window.setInterval(() => {
    if (live) return;
    void fetch("/api/v1/state")
      .then((answer) => answer.json() as Promise<Snapshot>)
      .then((state) => {
        takeSnapshot(state);
        if (!live) setLink("polling");
      })
      .catch(() => setLink("connecting"));
  }, POLL_MS);
}

export interface Outcome {
  status: "accepted" | "done" | "refused" | "unknown" | "failed";
  reason: string;
}

// Returns in words what came of a command that was not done.
export function trouble(outcome: Outcome | null): string {
  return outcome && outcome.status !== "done" ? `${outcome.status}: ${outcome.reason}` : "";
}

// Sends a command and follows it until the engine has answered, 5 s at most.
export async function command(kind: string, body: Record<string, unknown>): Promise<Outcome> {
  const command_id = crypto.randomUUID();
  try {
    const sent = await fetch("/api/v1/commands", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ command_id, kind, body }),
    });
    if (!sent.ok) return { status: "failed", reason: `the api answered ${sent.status}` };
    let outcome = (await sent.json()) as Outcome;
    for (let look = 0; outcome.status === "accepted" && look < LOOKS; look += 1) {
      await new Promise((done) => setTimeout(done, LOOK_MS));
      const answer = await fetch(`/api/v1/commands/${command_id}`);
      outcome = (await answer.json()) as Outcome;
    }
    if (outcome.status !== "accepted") return outcome;
    return { status: "unknown", reason: "the core has not answered yet; it will when it is back" };
  } catch {
    return { status: "unknown", reason: "the api did not answer: look at the state before retrying" };
  }
}

export async function schema(strategy: string): Promise<ParameterSchema> {
  const answer = await fetch(`/api/v1/strategies/${encodeURIComponent(strategy)}/schema`);
  if (!answer.ok) throw new Error(`no schema for ${strategy}`);
  return (await answer.json()) as ParameterSchema;
}
