/** What is above every page: where to, when, and how it looks. */
import { place, setQuery } from "../router.ts";
import { clock } from "../text/times.ts";
import { showHelp } from "./help.tsx";
import { Icon } from "./icons.tsx";
import { Omnibox } from "./omnibox.tsx";
import { type Theme, theme, utc } from "./settings.ts";
import { copyShortLink } from "./short-links.ts";
import { PRESETS, rangeText, refresh, timeRange } from "./time-range.ts";
import styles from "./topbar.module.css";

const NEXT: Record<Theme, Theme> = { system: "dark", dark: "light", light: "system" };
const SIGN: Record<Theme, string> = { system: "◐", dark: "●", light: "○" };

export function TopBar() {
  // A trace has the time that it took, and what is live is now.
  const { path, query } = place.value;
  const hasRange = !/^\/(trace\/|live$|admin$)/.test(path) || query.get("tab") === "sampling";
  return (
    <div class={styles.bar}>
      <Omnibox />
      {hasRange && <RangePicker />}
      {hasRange && (
        <button type="button" class="button quiet" aria-label="Refresh" title="Refresh" onClick={refresh}>
          <Icon name="refresh" />
        </button>
      )}
      <button
        type="button"
        class={`button quiet ${styles.setting}`}
        aria-label="Copy short link"
        title="Copy a short link to what is shown"
        onClick={() => void copyShortLink()}
      >
        <Icon name="link" />
      </button>
      <button
        type="button"
        class={`button quiet ${styles.setting}`}
        title={`Times in ${utc.value ? "UTC" : "local time"}`}
        onClick={() => {
          utc.value = !utc.value;
        }}
      >
        {utc.value ? "UTC" : "Local"}
      </button>
      <button
        type="button"
        class={`button quiet ${styles.setting}`}
        aria-label={`Theme: ${theme.value}`}
        title={`Theme: ${theme.value}`}
        onClick={() => {
          theme.value = NEXT[theme.value];
        }}
      >
        {SIGN[theme.value]}
      </button>
      <button
        type="button"
        class={`button quiet ${styles.setting}`}
        aria-label="Help"
        title="Keys (?)"
        onClick={showHelp}
      >
        ?
      </button>
    </div>
  );
}

function RangePicker() {
  const { from, to } = rangeText.value;
  const preset = to === "now" ? PRESETS.find(([value]) => value === from) : undefined;
  const { from: start, to: end } = timeRange.value;
  return (
    <select
      class="field"
      aria-label="Time range"
      value={preset ? from : "custom"}
      onChange={(event) => {
        const { value } = event.currentTarget;
        if (value !== "custom") setQuery({ from: value, to: undefined }, { replace: false });
      }}
    >
      {PRESETS.map(([value, label]) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
      {!preset && (
        <option value="custom">
          {clock(start, utc.value).slice(0, -4)} – {clock(end, utc.value).slice(0, -4)}
        </option>
      )}
    </select>
  );
}
