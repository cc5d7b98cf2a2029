// All keys: what a keyboard has, what the help writes for them, and what each has to do.

const encoded = encodeURIComponent;

const NAMED = {
  "↑": "ArrowUp",
  "↓": "ArrowDown",
  "←": "ArrowLeft",
  "→": "ArrowRight",
  enter: "Enter",
  space: " ",
  esc: "Escape",
  tab: "Tab",
  home: "Home",
  end: "End",
};

/** `ctrl K`, `1 – 7`, `↑ ↓`: the keys that a line of the help is about. */
export function keysOf(listed) {
  const [modifier, rest] = /^(ctrl|alt) (.*)$/.exec(listed)?.slice(1) ?? ["", listed];
  const [, from, to] = /^(\d) – (\d)$/.exec(rest) ?? [];
  if (from) return Array.from({ length: to - from + 1 }, (_, i) => String(Number(from) + i));
  return rest.split(" ").flatMap((key) => {
    const name = NAMED[key] ?? key;
    if (modifier) return [`${modifier} ${name.length === 1 ? name.toLowerCase() : name}`];
    // Running a query is Enter, also with what people are used to hold.
    return name === "Enter" ? ["Enter", "shift Enter", "ctrl Enter"] : [name];
  });
}

const letters = "abcdefghijklmnopqrstuvwxyz";
const characters = [...`${letters}${letters.toUpperCase()}0123456789 !"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}~`];
const others = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"]
  .concat(["Enter", "Tab", "Delete", "Backspace", "Insert"])
  .concat(Array.from({ length: 12 }, (_, i) => `F${i + 1}`));

export const PLAIN = [...characters, ...others].map((key) => ({ key }));
export const MODIFIED = [...letters, ...others, " ", "/", ",", "."].flatMap((key) => [
  { key, ctrlKey: true },
  { key, altKey: true },
]);
/** What leaves things comes last. */
export const ESCAPED = [{ key: "Escape" }, { key: "Enter", shiftKey: true }, { key: "Tab", shiftKey: true }];

/** By section and line of the help: what has to be there and pressed before, and the key that does something then. */
export function KEYS({ base, trace, spans, pair }) {
  const inTrace = (key, before = [], at = "") => ({
    open: `${base}/trace/${trace}${at}`,
    there: "[role=treegrid] [role=row]",
    before,
    key,
  });
  const finding = (key, before = []) =>
    inTrace(key, [{ until: "[role=search] [role=status]:not(:empty)" }, ...before], "?f=post");
  const parentOf = (span) => span.references[0]?.spanID;
  const siblings = spans
    .map((span) => spans.filter((other) => parentOf(other) === parentOf(span) && parentOf(span)))
    .find((all) => all.length > 1)
    .toSorted((a, b) => a.startTime - b.startTime);
  const besides = (key, before = []) => inTrace(key, before, `?span=${siblings[0].spanID}`);
  const inQuery = (key, before) => ({
    open: `${base}/search?q=${encoded("{ }")}`,
    there: "tbody tr",
    focus: "textarea",
    before,
    key,
  });
  const open = [
    { type: "{ kind = " },
    "End",
    "Control+Space",
    { until: "[role=listbox][aria-label^=Suggestions] [role=option]" },
  ];
  const compared = (key, before = []) => ({
    open: `${base}/trace/${pair}`,
    there: "[role=treegrid] [aria-rowindex='2']",
    focus: "[role=treegrid] [aria-rowindex='1']",
    before,
    key,
  });
  const rolledUp = (key, before = []) => ({
    open: `${base}/structure?q=${encoded("{ }")}`,
    there: "[data-at]",
    focus: "[data-at]",
    before,
    key,
  });
  const live = (key, before = []) => ({ open: `${base}/live`, there: "main table", before, key });
  const anywhere = (key) => ({ open: base, there: "tbody tr", key });
  return {
    Everywhere: { "ctrl K": [anywhere("Control+k")], "?": [anywhere("?")] },
    "In a query": {
      enter: ["Enter", "Shift+Enter", "Control+Enter"].map((key) =>
        inQuery(key, [{ type: "{ kind = client }" }]),
      ),
      "alt enter": [inQuery("Alt+Enter", [{ type: "{ kind = client }" }])],
      "ctrl space": [inQuery("Control+Space", [{ type: "{ kind = " }, "Escape", "End"])],
      "↑ ↓ enter": [
        inQuery("ArrowDown", open),
        inQuery("ArrowUp", open),
        inQuery("Enter", [...open, "ArrowDown"]),
      ],
      tab: [inQuery("Tab", open)],
      esc: [inQuery("Escape", open)],
    },
    "In a comparison or a structure": {
      "↑ ↓ ← →": [
        compared("ArrowDown"),
        compared("ArrowUp", ["ArrowDown"]),
        compared("ArrowLeft"),
        compared("ArrowRight", ["ArrowLeft"]),
        rolledUp("ArrowDown"),
        rolledUp("ArrowUp", ["ArrowDown"]),
        rolledUp("ArrowRight", ["ArrowDown"]),
        rolledUp("ArrowLeft", ["ArrowDown", "ArrowRight"]),
      ],
      "home end": [compared("End"), compared("Home", ["End"])],
      enter: [rolledUp("Enter", ["ArrowDown"])],
    },
    Live: { p: [live("p"), live("p", ["p"])] },
    "In a trace": {
      "↑ ↓": [inTrace("ArrowDown"), inTrace("ArrowUp", ["ArrowDown", "ArrowDown"])],
      "← →": [inTrace("ArrowLeft", ["ArrowDown"]), inTrace("ArrowRight", ["ArrowDown", "ArrowLeft"])],
      ". ,": [besides("."), besides(",", ["."])],
      "g r": [inTrace("r", ["e", "g"])],
      enter: [inTrace("Enter", ["ArrowDown", "ArrowDown"])],
      r: [inTrace("r", ["ArrowDown", "ArrowDown", "Enter"])],
      space: [inTrace("Space", ["ArrowDown"])],
      "1 – 7": ["2", "3", "4", "5", "6", "7"].map((key) => inTrace(key)).concat([inTrace("1", ["2"])]),
      "/": [inTrace("/")],
      "n N": [finding("n"), finding("N", ["n"])],
      "e E": [inTrace("e"), inTrace("E")],
      "w s": [inTrace("w"), inTrace("s", ["w", "w"])],
      "a d": [inTrace("a", ["w", "w"]), inTrace("d", ["w", "w"])],
      f: [inTrace("f", ["e"])],
      c: [inTrace("c")],
      h: [finding("h")],
      y: [inTrace("y")],
      0: [inTrace("0", ["w"])],
      "alt ←": [inTrace("Alt+ArrowLeft", ["w"])],
      "[ ]": [inTrace("["), inTrace("]", ["["])],
      esc: [inTrace("Escape", ["ArrowDown"])],
    },
  };
}
