/** The stream of the server: open while somebody looks, opened again when it breaks. */
import { ApiError, get } from "../api/http.ts";
import type { LiveEvent } from "../api/schema.ts";

const base = new URL(document.baseURI).pathname;

export type StreamState = "connecting" | "open" | "broken";

export interface StreamHandlers {
  state(state: StreamState): void;
  event(event: LiveEvent): void;
  /** The server said no; it is not asked again. */
  refused(error: Error): void;
}

/** Opens the stream; the answer closes it. */
export function openStream(q: string, handlers: StreamHandlers): () => void {
  const source = new EventSource(`${base}api/ui/live?${new URLSearchParams({ q })}`);
  const stop = new AbortController();
  handlers.state("connecting");
  source.addEventListener("open", () => handlers.state("open"));
  source.addEventListener("spans", (event) => handlers.event(JSON.parse(event.data) as LiveEvent));
  source.addEventListener("error", (event) => {
    handlers.state("broken");
    // The server's own word has text, a broken connection has none.
    if (event instanceof MessageEvent) {
      source.close();
      handlers.refused(new ApiError(0, String(event.data)));
      return;
    }
    // A browser does not say why; the same question as a plain request does.
    if (source.readyState === EventSource.CLOSED) void reason(q, stop, handlers);
  });
  return () => {
    stop.abort();
    source.close();
  };
}

async function reason(q: string, stop: AbortController, handlers: StreamHandlers): Promise<void> {
  try {
    const response = await get("/api/ui/live", { q }, stop.signal);
    await response.body?.cancel();
    handlers.refused(new ApiError(0, "The stream has ended."));
  } catch (error) {
    if (!stop.signal.aborted) handlers.refused(error instanceof Error ? error : new Error(String(error)));
  }
}
