/** Has the server make a small trace, for whoever has none to look at yet, and opens it. */
import { signal } from "@preact/signals";
import { postJson } from "../api/http.ts";
import type { NewTestTrace, TestTrace } from "../api/schema.ts";
import { href, navigate } from "../router.ts";

/** What has become of the last one that was asked for. */
export interface Sending {
  readonly isSending: boolean;
  readonly error: Error | null;
}

export const sending = signal<Sending>({ isSending: false, error: null });

/** The answer means that the trace can be read. Returns why there is none. */
export async function sendTestTrace(): Promise<Error | null> {
  if (sending.peek().isSending) return null;
  sending.value = { isSending: true, error: null };
  let error: Error | null = null;
  try {
    const body: NewTestTrace = {};
    const { traceId } = await postJson<TestTrace>("/api/ui/test-trace", body);
    navigate(href(`/trace/${traceId}`));
  } catch (caught) {
    error = caught instanceof Error ? caught : new Error(String(caught));
  }
  sending.value = { isSending: false, error };
  return error;
}
