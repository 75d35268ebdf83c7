// Name, mode, connection, journal marks and the kill switch.

import { useEffect, useState } from "react";
import { type Outcome, command } from "../engine";
import { grouped, room } from "../format";
import { useView } from "../store";
import type { Kill } from "../types";

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

// Two clicks either way: the first arms, the second acts; an armed switch disarms after 5 s.
function KillSwitch({ kill }: { kill: Kill }) {
  const [armed, setArmed] = useState(false);
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  useEffect(() => {
    if (!armed) return undefined;
    const timer = setTimeout(() => setArmed(false), 5000);
    return () => clearTimeout(timer);
  }, [armed]);

  async function press(): Promise<void> {
    if (!armed) {
      setArmed(true);
      return;
    }
    setArmed(false);
    setBusy(true);
    const reason = kill.on ? "released on the dashboard" : "pressed on the dashboard";
    setOutcome(await command("kill_switch", { on: !kill.on, reason }));
    setBusy(false);
  }

  const trouble = outcome && outcome.status !== "done" ? `${outcome.status}: ${outcome.reason}` : "";
  const rest = kill.on ? "Release kill switch" : "Kill switch";
  const label = armed ? (kill.on ? "Release — click again" : "STOP — click again") : rest;
  return (
    <div className="kill">
      <span className="kill-state" role="status" aria-live="assertive">
        {kill.on ? `Kill switch ON: ${kill.reason}` : trouble}
      </span>
      <button
        type="button"
        className={`${kill.on ? "release" : "stop"} ${armed ? "armed" : ""}`}
        onClick={() => void press()}
        disabled={busy}
        aria-pressed={kill.on}
      >
        {busy ? "asking…" : label}
      </button>
    </div>
  );
}
