/** Where the parts of a trace will be, once waiting is long enough to be noticed. */
import styles from "./placeholder.module.css";

const ROWS = Array.from({ length: 20 }, (_, i) => ({
  indent: [0, 1, 2, 2, 3, 1, 2][i % 7] ?? 0,
  from: (i * 13) % 60,
  width: 12 + ((i * 29) % 40),
}));

export function Placeholder() {
  return (
    <div class={styles.box} role="status" aria-label="Loading">
      <span class={styles.title} />
      <span class={styles.strips} />
      <span class={styles.tools} />
      <span class={styles.minimap} />
      {ROWS.map(({ indent, from, width }, i) => (
        <span key={i} class={styles.row}>
          <span style={{ marginLeft: `${indent * 12}px` }} />
          <span style={{ marginLeft: `${from}%`, width: `${width}%` }} />
        </span>
      ))}
    </div>
  );
}
