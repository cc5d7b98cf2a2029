/** One box for a trace id in any form, an address of another tracing interface, TraceQL, plain words, or commands. */
import { signal, useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { getJson } from "../api/http.ts";
import type { JaegerServices } from "../api/schema.ts";
import { sendTestTrace } from "../home/test-trace.ts";
import { fromAddress, traceId } from "../legacy-urls.ts";
import { href, navigate, place } from "../router.ts";
import { serviceLink } from "../service/links.ts";
import { quoted } from "../traceql.ts";
import { type Command, offered } from "./commands.ts";
import { announce } from "./copying.tsx";
import { showHelp } from "./help.tsx";
import { Icon } from "./icons.tsx";
import { addressOf, OTHER_PAGES, PAGES } from "./pages.ts";
import { theme, utc } from "./settings.ts";
import { copyShortLink } from "./short-links.ts";
import { refresh } from "./time-range.ts";
import styles from "./topbar.module.css";

/** Where a text leads. */
export function destination(text: string): string | null {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  if (/^https?:\/\//.test(trimmed)) {
    const url = URL.canParse(trimmed) ? new URL(trimmed) : null;
    if (!url) return null;
    const place = fromAddress(url);
    return place && href(place.path, place.query);
  }
  const id = traceId(trimmed);
  if (id) return href(`/trace/${id}`);
  const pair = trimmed.split("...").map(traceId);
  if (pair.length === 2 && pair[0] && pair[1]) return href(`/trace/${pair[0]}...${pair[1]}`);
  if (trimmed.startsWith("{")) return href("/search", { q: trimmed });
  // Words are looked for where people remember them from: names of operations and services.
  const words = quoted(`(?i).*${trimmed.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}.*`);
  return href("/search", { q: `{ name =~ ${words} || resource.service.name =~ ${words} }` });
}

/** What Enter does with a text. */
function typedCommand(text: string): Command | null {
  const to = text.trim().startsWith(">") ? null : destination(text);
  if (!to) return null;
  if (to.includes("/trace/")) return { label: "Open the trace", hint: "trace", icon: "search", to };
  const isQuery = text.trim().startsWith("{");
  const label = isQuery ? "Search with this query" : `Search for "${text.trim()}"`;
  return { label, hint: "search", icon: "search", to: inRange(to) };
}

/** A link to a search, in the time that is shown. */
function inRange(to: string): string {
  const range = new URLSearchParams();
  for (const name of ["from", "to"]) {
    const value = place.peek().query.get(name);
    if (value && !to.includes(`${name}=`)) range.set(name, value);
  }
  const extra = range.toString();
  return extra && to.includes("/search") ? `${to}&${extra}` : to;
}

const pageCommands = (): Command[] =>
  [...PAGES, ...OTHER_PAGES].map((page) => ({
    label: page.label,
    hint: "page",
    icon: page.icon,
    to: addressOf(page),
  }));

const actions: readonly Command[] = [
  ...(["dark", "light", "system"] as const).map(
    (name): Command => ({
      label: `Theme: ${name}`,
      hint: "setting",
      icon: "theme",
      run: () => {
        theme.value = name;
      },
    }),
  ),
  {
    label: "Times in UTC, or local",
    hint: "setting",
    icon: "clock",
    run: () => {
      utc.value = !utc.value;
    },
  },
  { label: "Copy short link", hint: "action", icon: "link", run: () => void copyShortLink() },
  { label: "Send a test trace", hint: "action", icon: "upload", run: () => void testTrace() },
  { label: "Refresh", hint: "action", icon: "refresh", run: refresh },
  { label: "Keys and help", hint: "action", icon: "help", run: showHelp },
];

/** Whoever is on the page that has the button sees there what went wrong; everybody else is told. */
async function testTrace(): Promise<void> {
  const error = await sendTestTrace();
  if (error) announce(`No test trace: ${error.message}`, FAILURE_MILLIS);
}

const FAILURE_MILLIS = 8000;

const LIST = "omnibox-list";
const optionId = (i: number) => `${LIST}-${i}`;

/** Names of services, asked for once somebody uses the box. */
const services = signal<readonly string[] | null>(null);

async function askServices(): Promise<void> {
  if (services.peek()) return;
  services.value = [];
  try {
    const { data } = await getJson<JaegerServices>("/jaeger/api/services", {}, new AbortController().signal);
    services.value = data ?? [];
  } catch {
    // Then there are the pages and the commands; the next use asks again.
    services.value = null;
  }
}

export function Omnibox() {
  const input = useRef<HTMLInputElement>(null);
  const text = useSignal("");
  const isOpen = useSignal(false);
  const active = useSignal(0);
  const hint = useSignal("");
  useLayoutEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key !== "k") return;
      event.preventDefault();
      input.current?.select();
      open();
    };
    addEventListener("keydown", focus);
    return () => removeEventListener("keydown", focus);
  }, []);
  const open = () => {
    isOpen.value = true;
    active.value = 0;
    void askServices();
  };
  const close = () => {
    isOpen.value = false;
  };
  const serviceCommands = (services.value ?? []).map(
    (name): Command => ({ label: name, hint: "service", icon: "services", to: serviceLink(name) }),
  );
  const lines = isOpen.value
    ? offered(text.value, typedCommand(text.value), serviceCommands, [...pageCommands(), ...actions])
    : [];
  const choose = (command: Command | undefined) => {
    hint.value = command ? "" : "No trace id, TraceQL, address or command that is known here";
    if (!command) return;
    text.value = "";
    close();
    input.current?.blur();
    if (command.to) navigate(command.to);
    else command.run?.();
  };
  const move = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      if (isOpen.value) event.stopPropagation();
      close();
      return;
    }
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    if (!isOpen.value) open();
    else if (lines.length > 0) active.value = (active.value + step + lines.length) % lines.length;
  };
  return (
    <form
      class={styles.omnibox}
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.value.trim() !== "" || isOpen.value)
          choose(lines[active.value] ?? typedCommand(text.value) ?? undefined);
      }}
    >
      <input
        ref={input}
        class="field"
        role="combobox"
        aria-label="Trace id, TraceQL, words or > commands"
        aria-expanded={lines.length > 0}
        aria-controls={LIST}
        aria-autocomplete="list"
        aria-activedescendant={lines.length > 0 ? optionId(active.value) : undefined}
        placeholder="Trace id, TraceQL, words or > commands    ctrl K"
        spellcheck={false}
        autocomplete="off"
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          hint.value = "";
          open();
        }}
        onClick={open}
        onKeyDown={move}
        onBlur={close}
      />
      <div
        id={LIST}
        role="listbox"
        aria-label="Where to, and what to do"
        class={styles.lines}
        hidden={lines.length === 0}
        // The box keeps the focus.
        onPointerDown={(event) => event.preventDefault()}
      >
        {lines.map((command, i) => (
          <div
            key={`${command.hint} ${command.label}`}
            id={optionId(i)}
            role="option"
            aria-selected={i === active.value}
            onClick={() => choose(command)}
            onPointerMove={() => {
              active.value = i;
            }}
          >
            <Icon name={command.icon} />
            <span>{command.label}</span>
            <span class="secondary">{command.hint}</span>
          </div>
        ))}
      </div>
      {hint.value && (
        <span class={styles.hint} role="alert">
          {hint.value}
        </span>
      )}
    </form>
  );
}
