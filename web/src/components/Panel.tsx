// A titled box, and the table most boxes hold.

import type { ReactNode } from "react";

export function Panel(props: {
  title: string;
  area: string;
  aside?: ReactNode;
  children: ReactNode;
}) {
  const id = `panel-${props.area}`;
  return (
    <section className={`panel area-${props.area}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{props.title}</h2>
        {props.aside}
      </header>
      {props.children}
    </section>
  );
}

export function Table(props: { columns: string[]; empty: string; children: ReactNode[] }) {
  if (props.children.length === 0) return <p className="empty">{props.empty}</p>;
  return (
    <div className="scroll" tabIndex={0} role="group" aria-label="scrollable table">
      <table>
        <thead>
          <tr>
            {props.columns.map((column) => (
              <th key={column} scope="col" className={column.startsWith(">") ? "number" : ""}>
                {column.replace(">", "")}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}
