// What happened, in words, newest first.

import { exactTime, time } from "../format";
import type { Snapshot } from "../types";
import { Panel } from "./Panel";

export function Events({ engine }: { engine: Snapshot }) {
  return (
    <Panel title="Events" area="events" aside={<small>newest 50</small>}>
      {engine.events.length === 0 ? (
        <p className="empty">Nothing happened yet.</p>
      ) : (
        <ol className="events scroll" tabIndex={0} aria-label="events">
          {engine.events.map((event) => (
            <li key={event.seq} className={event.severity}>
              <time title={exactTime(event.ts_ns)}>{time(event.ts_ns)}</time>
              <span>{event.text}</span>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}
