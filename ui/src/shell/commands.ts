/** What the box on top offers besides what is typed: pages, services, and what else one can do anywhere. */
import type { IconName } from "./icons.tsx";

/** One line of the list below the box. */
export interface Command {
  readonly label: string;
  /** What kind of thing it is. */
  readonly hint: string;
  readonly icon: IconName;
  /** Where it leads; else `run` is called. */
  readonly to?: string;
  readonly run?: () => void;
}

const SHOWN_MAX = 16;

/** Whether every word is in the text. */
export function hasWords(text: string, words: string): boolean {
  const low = text.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => low.includes(word));
}

/**
 * The lines for what is typed: where Enter leads first, then services and commands that have the words. After `>`
 * commands alone.
 */
export function offered(
  text: string,
  typed: Command | null,
  services: readonly Command[],
  commands: readonly Command[],
): Command[] {
  const trimmed = text.trim();
  if (trimmed === "") return commands.slice(0, SHOWN_MAX);
  const isCommand = trimmed.startsWith(">");
  const words = isCommand ? trimmed.slice(1).trim() : trimmed;
  const matching = (all: readonly Command[]) => all.filter(({ label }) => hasWords(label, words));
  if (isCommand) return matching(commands).slice(0, SHOWN_MAX);
  // What begins with the words is more likely meant.
  const first = ({ label }: Command) => (label.toLowerCase().startsWith(words.toLowerCase()) ? 0 : 1);
  const found = [...matching(services), ...matching(commands)].sort((a, b) => first(a) - first(b));
  return [...(typed ? [typed] : []), ...found].slice(0, SHOWN_MAX);
}
