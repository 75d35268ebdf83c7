// Name, mode, connection, journal marks and the kill switch.

import { useEffect, useState } from "react";
import { type Outcome, command, trouble } from "../engine";
import { grouped, room } from "../format";
import { useView } from "../store";
import type { Kill } from "../types";
import { TwoClicks } from "./TwoClicks";

const LINKS = { live: "live", connecting: "reconnecting", polling: "polling every 3 s" };

export function Header() {
  const { engine, link, heardMs } = useView();
  const now = useNow(500);
  const silent = heardMs ? (now - heardMs) / 1000 : 0;
  const mode = engine?.mode ?? "";
  return (
    <header className="top">
      <h1>
        thft {mode && <span className={`badge mode-${mode}`}>{mode.toUpperCase()}</span>}
      </h1>
      <div className="marks" role="status" aria-live="polite">
        <span className={`dot ${link === "live" && silent < 5 ? "good" : "poor"}`} />
        <span>{LINKS[link]}</span>
        {silent >= 3 && <span className="poor-text">silent for {Math.round(silent)} s</span>}
      </div>
      {engine && (
        <dl className="marks">
          <dt>seq</dt>
          <dd>{grouped(engine.seq)}</dd>
          <dt>journal</dt>
          <dd className={engine.durability.state === "OK" ? "" : "down"}>
            {engine.durability.state === "OK"
              ? "durable"
              : `DEGRADED(disk): ${engine.durability.reason}`}
          </dd>
          <dt>disk</dt>
          <dd className={engine.disk.level === "OK" ? "" : "down"}>
            {engine.disk.level === "OK"
              ? room(engine.disk)
              : `${engine.disk.level}: ${engine.disk.reason}`}
          </dd>
          <dt>restarts</dt>
          <dd>{Math.max(engine.restarts.length - 1, 0)}</dd>
        </dl>
      )}
      {engine && <KillSwitch kill={engine.kill} />}
    </header>
  );
}

export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

// Two clicks either way.
function KillSwitch({ kill }: { kill: Kill }) {
  const [outcome, setOutcome] = useState<Outcome | null>(null);

  async function act(): Promise<void> {
    const reason = kill.on ? "released on the dashboard" : "pressed on the dashboard";
    setOutcome(await command("kill_switch", { on: !kill.on, reason }));
  }

  const labels = kill.on
    ? { rest: "Release kill switch", armed: "Release — click again" }
    : { rest: "Kill switch", armed: "STOP — click again" };
  return (
    <div className="kill">
      <span className="kill-state" role="status" aria-live="assertive">
        {kill.on ? `Kill switch ON: ${kill.reason}` : trouble(outcome)}
      </span>
      <TwoClicks
        labels={labels}
        look={kill.on ? "release" : "stop"}
        pressed={kill.on}
        act={act}
      />
    </div>
  );
}
