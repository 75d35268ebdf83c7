// Positions, fills and orders.

import { MISSING, decimals, exactTime, grouped, money, padded, text, time, tone } from "../format";
import type { Order, Snapshot } from "../types";
import { Panel, Table } from "./Panel";

export function Positions({ engine }: { engine: Snapshot }) {
  const apart = engine.positions.some((one) => one.position_id !== "");
  const columns = ["side", ">size", ">average", ">open P&L", ">realised"];
  return (
    <Panel title="Positions" area="positions">
      <Table
        columns={["symbol", "account", ...(apart ? ["position"] : []), ...columns]}
        empty="No position is open."
      >
        {engine.positions.map((one) => (
          <tr key={`${one.account}/${one.symbol}/${one.position_id}`}>
            <th scope="row">{one.symbol}</th>
            <td>{one.account}</td>
            {apart && <td>{one.position_id || MISSING}</td>}
            <td className={one.side === "long" ? "up" : one.side === "short" ? "down" : ""}>
              {one.side}
            </td>
            <td className="number">{one.side === "flat" ? MISSING : grouped(one.size)}</td>
            <td className="number">{padded(one.avg_price, places(engine, one.symbol))}</td>
            <td className={`number ${tone(one.unrealised_pnl)}`}>
              {one.side === "flat" ? MISSING : money(one.unrealised_pnl, "")}
            </td>
            <td className={`number ${tone(one.realised_pnl)}`}>
              {money(one.realised_pnl, one.currency)}
            </td>
          </tr>
        ))}
      </Table>
    </Panel>
  );
}

export function Fills({ engine }: { engine: Snapshot }) {
  return (
    <Panel title="Fills" area="fills" aside={<small>newest 50</small>}>
      <Table
        columns={["time", "symbol", "side", ">size", ">price", ">P&L", "strategy"]}
        empty="Nothing was executed yet."
      >
        {engine.fills.map((one) => (
          <tr key={one.seq}>
            <td title={exactTime(one.ts_ns)}>{time(one.ts_ns)}</td>
            <th scope="row">{one.symbol}</th>
            <td className={one.side === "buy" ? "up" : "down"}>{one.side}</td>
            <td className="number">{grouped(one.size)}</td>
            <td className="number">{padded(one.price, places(engine, one.symbol))}</td>
            <td className={`number ${tone(one.realised_pnl)}`}>
              {tone(one.realised_pnl) === "" ? MISSING : money(one.realised_pnl, "")}
            </td>
            <td>{one.strategy}</td>
          </tr>
        ))}
      </Table>
    </Panel>
  );
}

export function Orders({ engine }: { engine: Snapshot }) {
  return (
    <Panel title="Orders" area="orders" aside={<small>newest 50</small>}>
      <Table
        columns={["time", "order", "symbol", "side", "type", ">size", ">filled", ">average", "state"]}
        empty="No order was sent yet."
      >
        {engine.orders.map((one) => (
          <tr key={one.client_order_id}>
            <td title={exactTime(one.submitted_ns)}>{time(one.submitted_ns)}</td>
            <td className="code">{one.client_order_id}</td>
            <th scope="row">{one.symbol}</th>
            <td className={one.side === "buy" ? "up" : "down"}>{one.side}</td>
            <td>{text(one.type)}</td>
            <td className="number">{grouped(one.size)}</td>
            <td className="number">{grouped(one.filled)}</td>
            <td className="number">{padded(one.avg_price, places(engine, one.symbol))}</td>
            <td>
              <span className={`state ${stateTone(one)}`}>{one.state}</span>
              {one.reason && <small>{one.reason}</small>}
            </td>
          </tr>
        ))}
      </Table>
    </Panel>
  );
}

// The decimals that a symbol's prices are quoted and dealt with.
function places(engine: Snapshot, symbol: string): number {
  const quotes = engine.quotes.filter((one) => one.symbol === symbol);
  const fills = engine.fills.filter((one) => one.symbol === symbol);
  return decimals([...quotes.flatMap((one) => [one.bid, one.ask]), ...fills.map((one) => one.price)]);
}

function stateTone(order: Order): string {
  if (order.state === "FILLED") return "good";
  return ["REJECTED", "DENIED", "UNKNOWN", "NEVER_ARRIVED"].includes(order.state) ? "poor" : "";
}
