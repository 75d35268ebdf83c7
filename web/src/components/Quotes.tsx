// Both venues' prices of a symbol side by side, and how far apart they are.

import { MISSING, age, decimals, faults, grouped, padded } from "../format";
import { series } from "../store";
import type { Quote, Snapshot } from "../types";
import { Panel, Table } from "./Panel";

export function Quotes({ engine }: { engine: Snapshot }) {
  const symbols = [...new Set(engine.quotes.map((quote) => quote.symbol))];
  const names = engine.feeds.map((feed) => feed.name);
  return (
    <Panel title="Quotes" area="quotes">
      <Table
        columns={["symbol", "feed", ">bid", ">ask", ">spread", ">age", ">Δ pips"]}
        empty="No symbol is subscribed."
      >
        {symbols.flatMap((symbol) => {
          const quotes = names
            .map((name) => engine.quotes.find((one) => one.feed === name && one.symbol === symbol))
            .filter((quote) => quote !== undefined);
          return rows(symbol, quotes, engine.ts_ns);
        })}
      </Table>
    </Panel>
  );
}

function rows(symbol: string, quotes: Quote[], nowNs: number) {
  const places = decimals(quotes.flatMap((quote) => [quote.bid, quote.ask]));
  const delta = series.get(symbol)?.delta.at(-1);
  return quotes.map((quote, index) => (
    <tr key={`${symbol}/${quote.feed}`} className={index === 0 ? "first" : ""}>
      {index === 0 && (
        <th scope="rowgroup" rowSpan={quotes.length}>
          {symbol}
        </th>
      )}
      <td title={counted(quote)}>
        {quote.feed}
        {quote.quality !== "good" && <span className="state poor">{quote.quality}</span>}
      </td>
      <td className="number price">{padded(quote.bid, places)}</td>
      <td className="number price">{padded(quote.ask, places)}</td>
      <td className="number">{spread(quote, places)}</td>
      <td className="number">{age(quote.recv_ts_ns, nowNs)}</td>
      {index === 0 && (
        <td className="number" rowSpan={quotes.length}>
          {delta === undefined ? MISSING : signed(delta)}
        </td>
      )}
    </tr>
  ));
}

function counted(quote: Quote): string {
  const tops = `crossed ${grouped(quote.crossed)}, locked ${grouped(quote.locked)}`;
  return `${tops}; faults: ${faults(quote.faults)}`;
}

function spread(quote: Quote, places: number): string {
  if (quote.bid === null || quote.ask === null) return MISSING;
  return (Number(quote.ask) - Number(quote.bid)).toFixed(places);
}

function signed(value: number): string {
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(1)}`;
}
