/** The whole answer as a file, in the forms that the server has. */
import { useSignal } from "@preact/signals";
import type { Range } from "../api/metrics.ts";
import { Menu } from "../query/menu.tsx";
import { announce } from "../shell/copying.tsx";
import { save } from "../trace/download.ts";
import { plainMessage } from "./mistakes.ts";
import styles from "./page.module.css";
import { post } from "./run.ts";

interface Form {
  readonly label: string;
  readonly about: string;
  readonly type: string;
  readonly file: string;
}

const FORMS: readonly Form[] = [
  { label: "CSV", about: "for spreadsheets", type: "text/csv", file: "spandrel.csv" },
  {
    label: "JSON",
    about: "columns with types, rows as lists",
    type: "application/json",
    file: "spandrel.json",
  },
  {
    label: "Arrow",
    about: "IPC stream, for pandas, Polars, DuckDB",
    type: "application/vnd.apache.arrow.stream",
    file: "spandrel.arrows",
  },
];

export function Download({ q, range }: { q: string; range: Range }) {
  const error = useSignal<string | null>(null);
  const loading = useSignal<AbortController | null>(null);
  const start = async ({ type, file }: Form) => {
    const running = new AbortController();
    loading.value = running;
    error.value = null;
    announce(`${file} is being made`);
    try {
      const response = await post(q, range, type, running.signal);
      save(file, await response.blob());
    } catch (failure) {
      if (!running.signal.aborted)
        error.value =
          failure instanceof TypeError
            ? "The transfer broke off: the query has failed."
            : plainMessage(String((failure as Error).message));
    }
    loading.value = null;
  };
  if (loading.value) {
    return (
      <button type="button" class="button quiet" onClick={() => loading.value?.abort()}>
        Stop the download
      </button>
    );
  }
  return (
    <>
      <Menu label="Download">
        {(close) => (
          <>
            <p class="secondary">
              {q === ""
                ? "There is nothing to download before a query is run."
                : "All rows, also those that are not shown: the server runs the query once more."}
            </p>
            {q !== "" &&
              FORMS.map((form) => (
                <button
                  key={form.label}
                  type="button"
                  class={styles.past}
                  onClick={() => {
                    close();
                    void start(form);
                  }}
                >
                  <b>{form.label}</b>
                  <span>{form.about}</span>
                </button>
              ))}
          </>
        )}
      </Menu>
      {error.value && (
        <p role="alert" class={`notice error ${styles.failed}`}>
          There is no file: {error.value}
        </p>
      )}
    </>
  );
}
