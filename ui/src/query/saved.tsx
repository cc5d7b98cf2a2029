/** What this page shows, kept on the server under a name: for everybody who uses this server. */
import { useSignal } from "@preact/signals";
import type { Link } from "../api/schema.ts";
import { href } from "../router.ts";
import { Icon } from "../shell/icons.tsx";
import { forget, loadSaved, saved, saveFailure, saveHere } from "../shell/short-links.ts";
import styles from "./bar.module.css";
import { Menu } from "./menu.tsx";

const NAME_MAX = 100;

export function Saved() {
  return (
    <Menu label="Saved" opened={() => void loadSaved()}>
      {(close) => (
        <>
          <NewName />
          {saveFailure.value && <p role="alert">{saveFailure.value}</p>}
          <List close={close} />
        </>
      )}
    </Menu>
  );
}

function NewName() {
  const name = useSignal("");
  const save = async () => {
    const text = name.value.trim();
    if (text !== "" && (await saveHere(text))) name.value = "";
  };
  return (
    <div class={styles.save}>
      <input
        class="field"
        aria-label="Name for what is shown"
        placeholder="Name for what is shown"
        maxLength={NAME_MAX}
        value={name.value}
        onInput={(event) => {
          name.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          // The form around it would run the query.
          event.preventDefault();
          void save();
        }}
      />
      <button type="button" class="button" onClick={() => void save()}>
        Save
      </button>
    </div>
  );
}

function List({ close }: { close: () => void }) {
  const { value, error } = saved.state.value;
  if (error) return <p role="alert">{error.message}</p>;
  if (!value) return null;
  if (value.length === 0)
    return (
      <p class="secondary">Query, time and columns are kept on the server, for everybody who uses it.</p>
    );
  return (
    <ul class={styles.links}>
      {value.map((link) => (
        <li key={link.short}>
          <a href={href(link.path)} title={queryOf(link)} onClick={close}>
            <span>{link.name}</span>
            <span class="secondary mono">{queryOf(link)}</span>
          </a>
          <button
            type="button"
            class="button quiet"
            aria-label={`Forget ${link.name}`}
            title="Forget it"
            onClick={() => void forget(link)}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** What tells links apart besides their names. */
function queryOf({ path }: Link): string {
  const [page = "", query = ""] = path.split("?");
  return new URLSearchParams(query).get("q") ?? page;
}
