import { expect, test } from "vitest";
import { eventsOf } from "../src/api/events.ts";

/** A body that comes in these pieces, and says whether somebody left before its end. */
function body(pieces: readonly string[]) {
  const encoder = new TextEncoder();
  const all = pieces.map((piece) => encoder.encode(piece));
  const left = { early: false };
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = all.shift();
      if (next) controller.enqueue(next);
      else controller.close();
    },
    cancel() {
      left.early = true;
    },
  });
  return { stream, left };
}

test("events are whole, wherever the pieces of the body end", async () => {
  const text = 'event: found\ndata: {"a": "ä"}\n\n: a comment\ndata: one\ndata: two\n\nevent: cut';
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at <= bytes.length; at++) {
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes.slice(0, at));
        controller.enqueue(bytes.slice(at));
        controller.close();
      },
    });
    const events = [];
    for await (const event of eventsOf(stream)) events.push(event);
    expect(events).toEqual([
      { name: "found", data: '{"a": "ä"}' },
      { name: "message", data: "one\ntwo" },
    ]);
  }
});

test("who leaves early wants no more of the body", async () => {
  const { stream, left } = body(["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"]);
  for await (const { data } of eventsOf(stream)) {
    expect(data).toBe("1");
    break;
  }
  expect(left.early).toBe(true);
});
