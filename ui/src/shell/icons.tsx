/** Small drawings in the color of the text around them. */
const PATHS = {
  services: "M2 3h5v4H2zM9 3h5v4H9zM2 9h5v4H2zM9 9h5v4H9z",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3 14 14",
  map: "M2 6h4v4H2zM10 2h4v4h-4zM10 10h4v4h-4zM6 8h2M8 4v8M8 4h2M8 12h2",
  copy: "M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  refresh: "M13 8a5 5 0 1 1-1.6-3.7M13.2 1.8v3h-3",
  warning: "M8 2.2 14.5 13.5h-13zM8 6.5v3.4M8 11.4v.6",
} as const;

export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg
      width="16"
      height="16"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.4"
      aria-hidden="true"
      style={{ verticalAlign: "-3px" }}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
