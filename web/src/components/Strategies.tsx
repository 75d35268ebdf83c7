// Strategies: on and off, what they earned, and their parameters as a form made from the schema.

import { type FormEvent, useEffect, useState } from "react";
import { type Outcome, command, schema } from "../engine";
import { grouped, money, tone } from "../format";
import type { ParameterField, ParameterSchema, ParameterValue, Snapshot, Strategy } from "../types";
import { Panel } from "./Panel";

const WHEN = { H: "at once", F: "when flat", C: "while stopped" };

export function Strategies({ engine }: { engine: Snapshot }) {
  const [open, setOpen] = useState("");
  return (
    <Panel title="Strategies" area="strategies">
      {engine.strategies.length === 0 && <p className="empty">No strategy is loaded.</p>}
      <ul className="strategies">
        {engine.strategies.map((one) => (
          <li key={one.strategy}>
            <Line
              strategy={one}
              currency={engine.totals.currency}
              open={open === one.strategy}
              toggle={() => setOpen(open === one.strategy ? "" : one.strategy)}
            />
            {open === one.strategy && <Parameters key={one.revision} strategy={one} />}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Line(props: { strategy: Strategy; currency: string; open: boolean; toggle: () => void }) {
  const { strategy } = props;
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(false);
  const enabled = strategy.state !== "DISABLED";

  async function flip(): Promise<void> {
    setBusy(true);
    const body = { strategy: strategy.strategy, enabled: !enabled };
    const outcome = await command("strategy_enable", body);
    setTrouble(outcome.status === "done" ? "" : `${outcome.status}: ${outcome.reason}`);
    setBusy(false);
  }

  return (
    <div className="strategy">
      <button
        type="button"
        role="switch"
        aria-checked={enabled}
        aria-label={`${strategy.strategy} enabled`}
        className="switch"
        disabled={busy}
        onClick={() => void flip()}
      />
      <div className="who">
        <strong>{strategy.strategy}</strong>
        <small className={strategy.state === "ENABLED" ? "" : "poor-text"}>
          {strategy.state}
          {strategy.reason && ` — ${strategy.reason}`}
          {trouble && ` — ${trouble}`}
        </small>
      </div>
      <div className="earned">
        <span className={tone(strategy.pnl)}>{money(strategy.pnl, props.currency)}</span>
        <small>
          {grouped(strategy.round_trips)} trips, {strategy.wins} won
        </small>
      </div>
      <button type="button" className="plain" aria-expanded={props.open} onClick={props.toggle}>
        parameters
      </button>
    </div>
  );
}

function Parameters({ strategy }: { strategy: Strategy }) {
  const [fields, setFields] = useState<ParameterSchema | null>(null);
  const [draft, setDraft] = useState(strategy.params);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  useEffect(() => {
    schema(strategy.strategy)
      .then(setFields)
      .catch((error: Error) => setOutcome({ status: "failed", reason: error.message }));
  }, [strategy.strategy]);
  const changed = Object.entries(draft).filter(([name, value]) => strategy.params[name] !== value);

  async function apply(event: FormEvent): Promise<void> {
    event.preventDefault();
    setOutcome(null);
    const body = {
      strategy: strategy.strategy,
      params: Object.fromEntries(changed),
      expected_revision: strategy.revision,
    };
    setOutcome(await command("strategy_params", body));
  }

  return (
    <form className="parameters" onSubmit={(event) => void apply(event)}>
      <div className="fields">
        {Object.entries(fields?.properties ?? {}).map(([name, field]) => (
          <Field
            key={name}
            name={name}
            field={field}
            value={draft[name] ?? ""}
            changed={draft[name] !== strategy.params[name]}
            locked={field["x-hot"] === "C" && strategy.state !== "DISABLED"}
            set={(value) => setDraft({ ...draft, [name]: value })}
          />
        ))}
      </div>
      <footer>
        <span role="status" aria-live="polite">
          {outcome
            ? `${outcome.status}${outcome.reason ? `: ${outcome.reason}` : ""}`
            : `revision ${strategy.revision}, ${changed.length} changed`}
        </span>
        <button type="button" className="plain" onClick={() => setDraft(strategy.params)}>
          revert
        </button>
        <button type="submit" disabled={changed.length === 0}>
          apply
        </button>
      </footer>
    </form>
  );
}

function Field(props: {
  name: string;
  field: ParameterField;
  value: ParameterValue;
  changed: boolean;
  locked: boolean;
  set: (value: ParameterValue) => void;
}) {
  const { name, field, value } = props;
  const when = WHEN[field["x-hot"] ?? "C"];
  return (
    <label className={props.changed ? "changed" : ""}>
      <span>{name.replaceAll("_", " ")}</span>
      <Input {...props} value={value} />
      <small>
        {field["x-unit"] ? `${field["x-unit"]}; ` : ""}
        {field.description ?? ""} ({when})
      </small>
    </label>
  );
}

function Input(props: {
  field: ParameterField;
  value: ParameterValue;
  locked: boolean;
  set: (value: ParameterValue) => void;
}) {
  const { field, value, locked, set } = props;
  if (field.enum) {
    return (
      <select
        disabled={locked}
        value={String(value)}
        onChange={(event) => set(event.target.value)}
      >
        {field.enum.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
    );
  }
  if (field.type === "boolean") {
    return (
      <input
        type="checkbox"
        disabled={locked}
        checked={value === true}
        onChange={(event) => set(event.target.checked)}
      />
    );
  }
  const integer = field.type === "integer";
  return (
    <input
      type={integer ? "number" : "text"}
      disabled={locked}
      required
      value={String(value)}
      {...(field.minimum !== undefined ? { min: field.minimum } : {})}
      {...(field.maximum !== undefined ? { max: field.maximum } : {})}
      {...(field.pattern !== undefined ? { pattern: field.pattern } : {})}
      onChange={(event) => set(integer ? event.target.valueAsNumber : event.target.value)}
    />
  );
}
