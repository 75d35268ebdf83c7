// The one page: what the engine is doing now, and the switches to stop it.

import { DeltaChart } from "./components/DeltaChart";
import { Events } from "./components/Events";
import { Feeds } from "./components/Feeds";
import { Header } from "./components/Header";
import { Quotes } from "./components/Quotes";
import { Strategies } from "./components/Strategies";
import { Fills, Orders, Positions } from "./components/Tables";
import { Tiles } from "./components/Tiles";
import { useView } from "./store";

export function App() {
  const { engine } = useView();
  return (
    <>
      <Header />
      {engine === null ? (
        <main className="waiting" aria-busy="true">
          <p>Waiting for the engine…</p>
        </main>
      ) : (
        <main>
          <Tiles engine={engine} />
          <div className="grid">
            <Quotes engine={engine} />
            <Feeds engine={engine} />
            <DeltaChart engine={engine} />
            <Strategies engine={engine} />
            <Positions engine={engine} />
            <Fills engine={engine} />
            <Orders engine={engine} />
            <Events engine={engine} />
          </div>
        </main>
      )}
    </>
  );
}
