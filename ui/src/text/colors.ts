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
