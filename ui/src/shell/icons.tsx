/** Small drawings in the color of the text around them. */
const PATHS = {
  services: "M2 3h5v4H2zM9 3h5v4H9zM2 9h5v4H2zM9 9h5v4H9z",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3 14 14",
  map: "M2 6h4v4H2zM10 2h4v4h-4zM10 10h4v4h-4zM6 8h2M8 4v8M8 4h2M8 12h2",
  exceptions: "M5.2 2h5.6L14 5.2v5.6L10.8 14H5.2L2 10.8V5.2zM8 5v3.6M8 10.4v.8",
  metrics: "M2 2v12h12M4.5 10.5l3-4 2.5 2 3.5-5",
  sql: "M3 4c0-1.1 2.2-2 5-2s5 .9 5 2-2.2 2-5 2-5-.9-5-2zM3 4v8c0 1.1 2.2 2 5 2s5-.9 5-2V4M3 8c0 1.1 2.2 2 5 2s5-.9 5-2",
  live: "M8 6.6a1.4 1.4 0 1 1 0 2.8 1.4 1.4 0 0 1 0-2.8zM5 11a4.2 4.2 0 0 1 0-6M11 5a4.2 4.2 0 0 1 0 6M2.8 13.2a7.3 7.3 0 0 1 0-10.4M13.2 2.8a7.3 7.3 0 0 1 0 10.4",
  admin: "M2 4.5h6M11 4.5h3M8 2.8v3.4h3V2.8zM2 11.5h3M8 11.5h6M5 9.8v3.4h3V9.8z",
  theme: "M8 2a6 6 0 1 1 0 12zM8 2a6 6 0 1 0 0 12z",
  clock: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 4.8V8l2.4 1.6",
  help: "M5.8 6a2.2 2.2 0 1 1 3 2.1c-.6.3-.8.7-.8 1.4M8 11.6v.8",
  copy: "M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  refresh: "M13 8a5 5 0 1 1-1.6-3.7M13.2 1.8v3h-3",
  filterIn: "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 5.5v5M5.5 8h5",
  filterOut: "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM5.5 8h5",
  link: "M6.5 9.5l3-3M7 4.5l1.2-1.2a2.8 2.8 0 0 1 4 4L11 8.5M9 11.5l-1.2 1.2a2.8 2.8 0 0 1-4-4L5 7.5",
  outside: "M9.5 2.5h4v4M13.5 2.5 7.5 8.5M6.5 3.5h-3v9h9v-3",
  download: "M8 2v7.5M4.8 6.5 8 9.7l3.2-3.2M2.5 13.5h11",
  upload: "M8 10V2.5M4.8 5.7 8 2.5l3.2 3.2M2.5 13.5h11",
  structure: "M2 2.5h12v3H2zM2 7h7v3H2zM11 7h3v3h-3zM2 11.5h4v2.5H2z",
  compare: "M2 3.5h8M2 6.5h4M2 10.5h12M2 13.5h7",
  check: "M2.8 8.5l3.4 3.4 7-7.6",
  warning: "M8 2.2 14.5 13.5h-13zM8 6.5v3.4M8 11.4v.6",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
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
