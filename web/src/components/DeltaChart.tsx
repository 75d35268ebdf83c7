// Fast minus slow in pips, above both mids; drawn outside React at the rate points arrive.

import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import { time } from "../format";
import { onSeries, series } from "../store";
import type { Snapshot } from "../types";
import { Panel } from "./Panel";

const WINDOW_S = 120;

export function DeltaChart({ engine }: { engine: Snapshot }) {
  const symbols = [...new Set(engine.quotes.map((quote) => quote.symbol))];
  const [chosen, choose] = useState("");
  const symbol = symbols.includes(chosen) ? chosen : (symbols[0] ?? "");
  const picker = (
    <label className="picker">
      <span className="unseen">symbol</span>
      <select value={symbol} onChange={(event) => choose(event.target.value)}>
        {symbols.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
    </label>
  );
  return (
    <Panel title="Delta fast − slow (pips)" area="chart" aside={picker}>
      <Plot symbol={symbol} columns={["delta"]} height={170} />
      <Plot symbol={symbol} columns={["fast", "slow"]} height={150} />
    </Panel>
  );
}

type Column = "delta" | "fast" | "slow";

function Plot(props: { symbol: string; columns: Column[]; height: number }) {
  const holder = useRef<HTMLDivElement>(null);
  const { symbol, height } = props;
  const names = props.columns.join(",");
  useEffect(() => {
    const place = holder.current;
    if (place === null) return undefined;
    const columns = names.split(",") as Column[];
    const plot = new uPlot(options(place, columns, height), draw(symbol, columns), place);
    let frame = 0;
    const stop = onSeries((changed) => {
      if (changed !== symbol || frame) return;
      frame = requestAnimationFrame(() => {
        frame = 0;
        plot.setData(draw(symbol, columns));
      });
    });
    const resized = new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height }));
    resized.observe(place);
    return () => {
      stop();
      cancelAnimationFrame(frame);
      resized.disconnect();
      plot.destroy();
    };
  }, [symbol, names, height]);
  return <div ref={holder} className="plot" role="img" aria-label={`${names} of ${symbol}`} />;
}

function draw(symbol: string, columns: Column[]): uPlot.AlignedData {
  const found = series.get(symbol);
  if (found === undefined) return [[], ...columns.map(() => [])] as unknown as uPlot.AlignedData;
  const since = (found.t.at(-1) ?? 0) - WINDOW_S;
  const start = found.t.findIndex((t) => t >= since);
  return [found.t.slice(start), ...columns.map((column) => found[column].slice(start))];
}

function clock(seconds: number): string {
  return time(seconds * 1e9);
}

function options(place: HTMLElement, columns: Column[], height: number): uPlot.Options {
  const style = getComputedStyle(place);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--quiet"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: "11px ui-monospace, monospace",
  };
  const strokes: Record<Column, string> = {
    delta: colour("--accent"),
    fast: colour("--accent"),
    slow: colour("--warm"),
  };
  return {
    width: place.clientWidth,
    height,
    legend: { show: columns.length > 1, live: false },
    cursor: { drag: { x: false, y: false }, sync: { key: "delta" } },
    axes: [{ ...axis, values: (_, seconds) => seconds.map(clock) }, { ...axis, size: 74 }],
    series: [
      {},
      ...columns.map((column) => ({
        label: column,
        stroke: strokes[column],
        width: 1.25,
        points: { show: false },
      })),
    ],
  };
}
