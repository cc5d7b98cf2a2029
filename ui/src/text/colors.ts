/** One service, one color, everywhere. */

const SLOTS = 12;

/** The slot of the palette that a service's name hashes to (FNV-1a, mixed so that the low bits depend on all). */
export function slotOf(service: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < service.length; i++) {
    hash = Math.imul(hash ^ service.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % SLOTS;
}

/** The color as CSS has it. */
export function serviceColor(service: string): string {
  return `var(--service-${slotOf(service)})`;
}

/**
 * Slots of the services of one trace: up to twelve always differ. Each gets its own slot, or the next one that
 * is free; who comes first (the biggest) keeps its own.
 */
export function distinctSlots(services: readonly string[]): number[] {
  const taken = new Set<number>();
  return services.map((service) => {
    let slot = slotOf(service);
    if (taken.size < SLOTS) {
      while (taken.has(slot)) slot = (slot + 1) % SLOTS;
    }
    taken.add(slot);
    return slot;
  });
}

/** Places of the palette after those of services: for what has no value, for errors, for what is fine. */
export const SLOT = { none: SLOTS, error: SLOTS + 1, ok: SLOTS + 2 };

/** The names of the colors of all slots. */
export const SLOT_NAMES: readonly string[] = [
  ...Array.from({ length: SLOTS }, (_, slot) => `service-${slot}`),
  "text-3",
  "error",
  "success",
];

/** The color of a slot as CSS has it. */
export const slotColor = (slot: number | undefined) => `var(--${SLOT_NAMES[slot ?? SLOT.none]})`;
