/** Which keys do what. */
import styles from "./help.module.css";

const KEYS: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    "Everywhere",
    [
      ["ctrl K", "go to a trace, a query, words, a service, a page; after > do something"],
      ["?", "this list"],
    ],
  ],
  [
    "In a query",
    [
      ["enter", "run; also shift and ctrl with it"],
      ["alt enter", "another line"],
      ["ctrl space", "what can stand here"],
      ["↑ ↓ enter", "choose from the list"],
      ["tab", "take the first of the list"],
      ["esc", "close the list"],
    ],
  ],
  [
    "In a comparison or a structure",
    [
      ["↑ ↓ ← →", "rows, and open and close them; boxes above, below and beside"],
      ["home end", "the first row, the last"],
      ["enter", "only what is below the box"],
    ],
  ],
  [
    "In SQL",
    [
      ["ctrl enter", "run; enter is another line"],
      ["tab", "take the first of the list"],
      ["↑ ↓ ← →", "from cell to cell; ctrl goes to the end, page up and down by what is in sight"],
      ["enter", "open the trace of the cell"],
      ["ctrl C", "copy the cell"],
    ],
  ],
  ["Live", [["p", "pause, go on"]]],
  [
    "Sampling rules",
    [
      ["alt ↑ ↓", "move the policy up, down"],
      ["ctrl enter", "simulate, from the YAML"],
    ],
  ],
  [
    "In a trace",
    [
      ["↑ ↓", "previous, next span"],
      ["← →", "collapse, expand; to the parent, to the first child"],
      [". ,", "next, previous sibling"],
      ["g r", "to the root"],
      ["enter", "only this span and what is below it"],
      ["r", "the whole trace again"],
      ["space", "the span's details, open and closed"],
      ["1 – 7", "waterfall, flame graph, merged, graph, table, statistics, events"],
      ["/", "find"],
      ["n N", "next, previous match"],
      ["e E", "next, previous error, the deepest first"],
      ["w s", "zoom in, out; also ctrl and the wheel"],
      ["a d", "earlier, later"],
      ["f", "zoom to the span"],
      ["c", "only the critical path in full color"],
      ["h", "hide the spans that do not match, or dim them"],
      ["y", "copy a link to what is shown"],
      ["0", "show all of the time"],
      ["alt ←", "the zoom before"],
      ["[ ]", "collapse, expand all"],
      ["esc", "close the span"],
    ],
  ],
];

const ID = "help";

export function showHelp(): void {
  const dialog = document.getElementById(ID);
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
}

export function Help() {
  return (
    <dialog id={ID} class={styles.dialog} aria-label="Keys">
      <form method="dialog">
        <h2>Keys</h2>
        {KEYS.map(([where, keys]) => (
          <section key={where}>
            <h3>{where}</h3>
            <dl>
              {keys.map(([key, does]) => (
                <div key={key}>
                  <dt class="mono">{key}</dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <button type="submit" class="button primary">
          Close
        </button>
      </form>
    </dialog>
  );
}
