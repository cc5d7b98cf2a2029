/** Said when no span of a service passes: what else there is to look at. */
import { href, place } from "../router.ts";
import type { SpanChoice } from "./spans.ts";

export function NoSpans({ choice }: { choice: SpanChoice }) {
  const { path, query } = place.value;
  const whole = new URLSearchParams(query);
  whole.set("spans", "all");
  return (
    <p class="secondary">
      {choice === "all"
        ? "No spans of this service in this time. Choose a wider range."
        : "No such spans of this service in this time. "}
      {choice !== "all" && <a href={href(path, whole)}>Look at all of its spans</a>}
    </p>
  );
}
