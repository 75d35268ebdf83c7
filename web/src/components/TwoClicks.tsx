// A button that acts with its second click; the first arms it, for five seconds.

import { useEffect, useState } from "react";

interface Labels {
  rest: string;
  armed: string;
}

export function TwoClicks({
  labels,
  look,
  pressed,
  act,
}: {
  labels: Labels;
  look: string;
  pressed?: boolean;
  act: () => Promise<void>;
}) {
  const [armed, setArmed] = useState(false);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (!armed) return undefined;
    const timer = setTimeout(() => setArmed(false), 5000);
    return () => clearTimeout(timer);
  }, [armed]);

  async function press(): Promise<void> {
    setArmed(!armed);
    if (!armed) return;
    setBusy(true);
    await act();
    setBusy(false);
  }

  const label = armed ? labels.armed : labels.rest;
  return (
    <button
      type="button"
      className={`${look} ${armed ? "armed" : ""}`}
      onClick={() => void press()}
      disabled={busy}
      aria-pressed={pressed}
    >
      {busy ? "asking…" : label}
    </button>
  );
}
