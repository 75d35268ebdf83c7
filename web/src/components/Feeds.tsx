// Every feed and every account at a venue, with its state in words.

import { Fragment, useState } from "react";

import { type Outcome, command, trouble } from "../engine";
import { MISSING, age, faults, grouped, milliseconds, serverTime, text } from "../format";
import type { Account, Broker, Clock, Snapshot } from "../types";
import { Panel, Table } from "./Panel";
import { TwoClicks } from "./TwoClicks";

export function Feeds({ engine }: { engine: Snapshot }) {
  return (
    <Panel title="Feeds" area="feeds">
      <Table
        columns={["feed", "state", ">ticks/s", ">age", ">reconnects", "faults"]}
        empty="No feed is configured."
      >
        {engine.feeds.map((feed) => (
          <Fragment key={feed.name}>
            <tr>
              <th scope="row">
                {feed.name}
                <small>{feed.venue}</small>
              </th>
              <td>
                <span className={`state ${tone(feed.state)}`}>
                  {feed.state}
                </span>
                <small>{feed.reason}</small>
              </td>
              <td className="number">{text(feed.ticks_per_s)}</td>
              <td className="number">
                {age(feed.last_ns, engine.ts_ns)}
                {feed.clock && <small title={explained(feed.clock)}>{apart(feed.clock)}</small>}
              </td>
              <td className="number">{grouped(feed.reconnects)}</td>
              <td>{faults(feed.faults)}</td>
            </tr>
            {feed.blocked.map((one) => (
              <Blocked key={one.symbol} feed={feed.name} symbol={one.symbol} reason={one.reason} />
            ))}
          </Fragment>
        ))}
        {engine.accounts
          .filter((one) => one.kind === "venue")
          .map((one) => (
            <Fragment key={`account ${one.account}`}>
              <tr>
                <th scope="row">
                  {one.account}
                  <small>account</small>
                </th>
                <td>
                  <span className={`state ${tone(one.state)}`}>
                    {one.state}
                  </span>
                  <small>{one.reason}</small>
                </td>
                <td className="number">{MISSING}</td>
                <td className="number">{MISSING}</td>
                <td className="number">{grouped(Math.max(one.logons - 1, 0))}</td>
                <td>{MISSING}</td>
              </tr>
              {one.broker && <Told broker={one.broker} account={one} nowNs={engine.ts_ns} />}
            </Fragment>
          ))}
      </Table>
    </Panel>
  );
}

// What the account's broker says of it, and how old that is.
function Told(props: { broker: Broker; account: Account; nowNs: number }) {
  const { broker, account, nowNs } = props;
  const amount = (value?: string): string => grouped(value ?? null);
  const told: [string, string][] = [
    [`equity ${account.currency}`, amount(broker.equity)],
    ["balance", amount(broker.balance)],
    ["margin", amount(broker.margin)],
    ["free margin", amount(broker.margin_free)],
    ["leverage", broker.leverage ? `1 : ${grouped(broker.leverage)}` : MISSING],
    ["server time", serverTime(broker)],
    ["terminal to server", took(broker.terminal_ping_us)],
    ["said", `${age(broker.at_ns, nowNs)} ago`],
  ];
  return (
    <tr>
      <td colSpan={6}>
        <dl className="told" aria-label={`what the broker of ${account.account} says`}>
          {told.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </td>
    </tr>
  );
}

function took(us?: number): string {
  return us === undefined ? MISSING : `${milliseconds(us * 1_000)} ms`;
}

// A symbol whose terms have changed: nothing is sent in it until a person takes the new ones.
function Blocked({ feed, symbol, reason }: { feed: string; symbol: string; reason: string }) {
  const [outcome, setOutcome] = useState<Outcome | null>(null);

  async function act(): Promise<void> {
    setOutcome(await command("symbol_confirm", { feed, symbol, expected_reason: reason }));
  }

  return (
    <tr>
      <th scope="row">
        {symbol}
        <small>{feed}</small>
      </th>
      <td colSpan={4}>
        <span className="state poor">BLOCKED</span>
        <small>{reason}</small>
        <small role="status">{trouble(outcome)}</small>
      </td>
      <td>
        <TwoClicks
          labels={{ rest: "Confirm", armed: "Confirm — click again" }}
          look="confirm"
          act={act}
        />
      </td>
    </tr>
  );
}

function tone(state: string): string {
  if (state === "CLOSED") return "away"; // by the venue's calendar: nobody need look
  return state === "READY" ? "good" : "poor";
}

function apart(clock: Clock): string {
  const plus = clock.offset_ns > 0 ? "+" : "";
  return `${plus}${milliseconds(clock.offset_ns)} ±${milliseconds(clock.uncertainty_ns)} ms`.replaceAll(" ", "\u00a0");
}

function explained(clock: Clock): string {
  const drift = clock.skew_ppb === null ? "not known yet" : `${clock.skew_ppb / 1_000} ppm`;
  const way = milliseconds(clock.round_trip_ns);
  return `our clock minus the venue's; drift ${drift}; shortest round trip ${way} ms`;
}
