/** Asking the server. A failure is an error whose text a person can act on. */

const base = new URL(document.baseURI).pathname;

/** The server said no, or nothing. */
export class ApiError extends Error {
  constructor(
    /** The HTTP status; 0 when there was no answer. */
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Whether the question was at fault: then nothing from before answers it. */
export function isMistake(error: Error): boolean {
  return error instanceof ApiError && error.status === 400;
}

/** The server gives up a query after 30 s and says so; who has heard nothing by then will hear nothing. */
const PATIENCE_MILLIS = 40_000;

/** Sends a request for `path`, which is below the base of the site. */
export async function get(
  path: string,
  params: Record<string, string | undefined>,
  signal: AbortSignal,
  headers: Record<string, string> = {},
): Promise<Response> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value !== undefined) query.set(name, value);
  const text = query.toString();
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE_MILLIS);
  try {
    return await ask(`${path}${text ? `?${text}` : ""}`, {
      headers,
      signal: AbortSignal.any([signal, patience.signal]),
    });
  } catch (error) {
    if (signal.aborted || !patience.signal.aborted) throw error;
    throw new ApiError(0, `The server has not answered within ${PATIENCE_MILLIS / 1e3} s.`);
  } finally {
    clearTimeout(timer);
  }
}

/** The same, for answers in JSON. */
export async function getJson<T>(
  path: string,
  params: Record<string, string | undefined>,
  signal: AbortSignal,
): Promise<T> {
  const response = await get(path, params, signal);
  return (await response.json()) as T;
}

/** Sends JSON, and reads the answer. */
export async function postJson<T>(path: string, body: unknown): Promise<T> {
  const headers = { "content-type": "application/json" };
  const response = await ask(path, { method: "POST", headers, body: JSON.stringify(body) });
  return (await response.json()) as T;
}

/** Any request. */
export async function ask(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(`${base}${path.slice(1)}`, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, "The server does not answer. Is it running?");
  }
  // Only who said what it has is told that it is still so.
  if (!response.ok && response.status !== 304) {
    const message = (await response.text()).trim();
    throw new ApiError(response.status, message || `The server answered with status ${response.status}.`);
  }
  return response;
}
