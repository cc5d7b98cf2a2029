/** Values over time: a canvas to look at, a crosshair that all charts share, and the same numbers as a table. */
import { effect, signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { setQuery } from "../router.ts";
import { utc } from "../shell/settings.ts";
import { axisClock, clock } from "../text/times.ts";
import { palette } from "../trace/paint.ts";
import styles from "./chart.module.css";
import type { Mark } from "./deploys.ts";
import { frame, type Line, middle, type Picture, paint } from "./paint.ts";
import { apart, nearest } from "./scale.ts";

/** The time under the pointer, in whichever chart it is. */
export const crosshair = signal<number | null>(null);

/** A span that is part of a value. */
export interface Diamond {
  readonly time: number;
  readonly value: number;
  readonly color: string;
  readonly to: string;
  readonly label: string;
}

export interface ChartProps {
  readonly title: string;
  readonly range: { readonly from: number; readonly to: number };
  /** Ends of the intervals, milliseconds. */
  readonly times: readonly number[];
  readonly stepMillis: number;
  readonly lines: readonly Line[];
  readonly form?: Picture["form"];
  readonly scale?: Picture["scale"];
  readonly atLeast?: number;
  readonly text: (value: number) => string;
  readonly height?: number;
  readonly marks?: readonly Mark[];
  readonly diamonds?: readonly Diamond[];
  /** What stands in the place of the names of the lines. */
  readonly legend?: ComponentChildren;
}

const HEIGHT = 148;
const DAY = 86_400_000;
/** A drag below this is a click. */
const DRAG_MIN = 5;
/** Diamonds are links, which fingers have to tell apart. */
const DIAMONDS_APART = 25;

export function Chart(props: ChartProps) {
  const { title, lines, legend } = props;
  const height = props.height ?? HEIGHT;
  const asTable = useSignal(false);
  return (
    <section class={styles.chart} aria-label={title}>
      <div class={styles.head}>
        <h2>{title}</h2>
        <div class={styles.legend}>
          {legend ??
            (lines.length > 1 &&
              lines.map(({ name, color }) => (
                <span key={name} class={styles.key} style={{ "--key": `var(--${color})` }}>
                  {name}
                </span>
              )))}
        </div>
        <button
          type="button"
          class={`button quiet ${styles.twin}`}
          aria-pressed={asTable.value}
          aria-label={`${title} as a table`}
          title="As a table"
          onClick={() => {
            asTable.value = !asTable.value;
          }}
        >
          ▤
        </button>
      </div>
      {asTable.value ? <Twin {...props} height={height} /> : <Plot {...props} height={height} />}
    </section>
  );
}

const axisText = (range: ChartProps["range"]) => (millis: number) =>
  range.to - range.from > DAY
    ? `${clock(millis, utc.value, 0).slice(5, 10)} ${axisClock(millis, utc.value)}`
    : range.to - range.from < 300_000
      ? clock(millis, utc.value, millis).slice(0, 8)
      : axisClock(millis, utc.value);

function pictureOf(props: ChartProps): Picture {
  const { range, times, stepMillis, lines, form, scale, atLeast, text, marks } = props;
  return {
    ...range,
    scale: scale ?? "linear",
    atLeast: atLeast ?? 0,
    times,
    stepMillis,
    lines,
    form: form ?? "line",
    marks: marks ?? [],
    text,
    clock: axisText(range),
    offset: utc.value ? 0 : -new Date(range.from).getTimezoneOffset() * 60_000,
  };
}

function Plot(props: ChartProps & { height: number }) {
  const { title, times, stepMillis, lines, height, marks = [], diamonds = [] } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  const inside = useSignal(false);
  const drag = useSignal<readonly [number, number] | null>(null);
  useEffect(() => {
    if (!box.current) return;
    const observer = new ResizeObserver(([entry]) => {
      width.value = entry?.contentRect.width ?? 0;
    });
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [width]);
  const picture = pictureOf(props);
  // Hovering renders again, but paints nothing.
  useEffect(
    () =>
      effect(() => {
        void palette.value;
        if (canvas.current && width.value > 0) paint(canvas.current, pictureOf(props), width.value, height);
      }),
    [props.range, times, lines, props.marks, height],
  );
  const places = frame(picture, width.value || 300, height);
  const spot = ({ time, value }: Diamond) => [places.x(time), Math.max(places.top, places.y(value))] as const;
  const links = width.value > 0 ? apart(diamonds, spot, DIAMONDS_APART) : [];
  const at = (event: PointerEvent) => event.clientX - (box.current?.getBoundingClientRect().left ?? 0);
  const clamp = (time: number) => Math.min(picture.to, Math.max(picture.from, time));
  const middles = times.map((time) => middle(time, stepMillis));
  const i = crosshair.value === null ? -1 : nearest(middles, crosshair.value);
  const time = middles[i];
  const isInRange = time !== undefined && time >= picture.from && time <= picture.to;
  const choose = () => {
    const dragged = drag.value;
    drag.value = null;
    if (!dragged || Math.abs(dragged[1] - dragged[0]) < DRAG_MIN) return;
    const [a, b] = [places.time(Math.min(...dragged)), places.time(Math.max(...dragged))];
    setQuery({ from: String(Math.round(clamp(a))), to: String(Math.round(clamp(b))) }, { replace: false });
  };
  return (
    <div
      ref={box}
      class={styles.plot}
      style={{ height: `${height}px` }}
      onPointerDown={(event) => {
        if (event.button !== 0 || event.target instanceof HTMLAnchorElement) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        drag.value = [at(event), at(event)];
      }}
      onPointerMove={(event) => {
        inside.value = true;
        crosshair.value = clamp(places.time(at(event)));
        if (drag.value) drag.value = [drag.value[0], at(event)];
      }}
      onPointerLeave={() => {
        inside.value = false;
        crosshair.value = null;
      }}
      onPointerUp={choose}
      onPointerCancel={() => {
        drag.value = null;
      }}
    >
      <canvas
        ref={canvas}
        role="img"
        aria-label={`${title} over time; the button above shows it as a table`}
      />
      {width.value > 0 &&
        marks.map((mark) => (
          <Flag key={mark.time} mark={mark} x={places.x(mark.time)} middle={width.value / 2} />
        ))}
      {isInRange && (
        <>
          <span class={styles.line} style={{ left: `${places.x(time)}px` }} />
          {lines.map(({ name, color, values }, line) => {
            const value = places.drawn[line]?.[i];
            return values[i] === null || value === null || value === undefined ? null : (
              <span
                key={name}
                class={styles.dot}
                style={{
                  left: `${places.x(time)}px`,
                  top: `${places.y(value)}px`,
                  "--key": `var(--${color})`,
                }}
              />
            );
          })}
        </>
      )}
      {links.map((diamond) => {
        const { time, color, to, label } = diamond;
        const [left, top] = spot(diamond);
        return (
          <a
            key={`${to} ${time}`}
            class={styles.exemplar}
            href={to}
            title={label}
            style={{
              left: `${left}px`,
              top: `${top}px`,
              "--key": `var(--${color})`,
            }}
          >
            <span class="visually-hidden">{label}</span>
          </a>
        );
      })}
      {drag.value && (
        <span
          class={styles.drag}
          style={{
            left: `${Math.min(...drag.value)}px`,
            width: `${Math.abs(drag.value[1] - drag.value[0])}px`,
          }}
        />
      )}
      {isInRange && inside.value && !drag.value && (
        <Tooltip {...props} i={i} x={places.x(time)} width={width.value} />
      )}
      {lines.every(({ values }) => values.every((value) => value === null)) && (
        // An exemplar is a span: what it belongs to is only not counted yet.
        <span class={styles.empty}>
          {diamonds.length > 0 ? "The first step is not over yet" : "No spans in this time"}
        </span>
      )}
    </div>
  );
}

function Flag({ mark, x, middle }: { mark: Mark; x: number; middle: number }) {
  const label = `Version ${mark.label} begins`;
  return (
    <span
      class={styles.mark}
      data-side={x > middle ? "left" : "right"}
      style={{ left: `${x}px` }}
      title={label}
    >
      {mark.label}
    </span>
  );
}

/** Of more lines than this the tooltip shows the highest. */
const TOOLTIP_LINES = 12;

function Tooltip({
  times,
  stepMillis,
  lines,
  text,
  i,
  x,
  width,
}: ChartProps & { i: number; x: number; width: number }) {
  const end = times[i] ?? 0;
  const shown = lines
    .flatMap(({ name, color, values }) => {
      const value = values[i];
      return value === null || value === undefined ? [] : [{ name, color, value }];
    })
    .sort((a, b) => (lines.length > 3 ? b.value - a.value : 0));
  const onRight = x < width / 2;
  return (
    <div class={styles.tooltip} style={onRight ? { left: `${x + 12}px` } : { right: `${width - x + 12}px` }}>
      <p>
        {clock(end - stepMillis, utc.value).slice(0, -4)} – {clock(end, utc.value).slice(-12, -4)}
      </p>
      {shown.slice(0, TOOLTIP_LINES).map(({ name, color, value }) => (
        <div key={name}>
          <span class={styles.key} style={{ "--key": `var(--${color})` }}>
            {name}
          </span>
          <span class="numeric">{text(value)}</span>
        </div>
      ))}
      {shown.length === 0 && <div>no spans</div>}
      {shown.length > TOOLTIP_LINES && <div class="secondary">and {shown.length - TOOLTIP_LINES} more</div>}
    </div>
  );
}

function Twin({ title, times, stepMillis, lines, text, height }: ChartProps & { height: number }) {
  return (
    <div
      class={styles.table}
      style={{ height: `${height}px` }}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys
      tabIndex={0}
      role="region"
      aria-label={`${title}, table`}
    >
      <table class="grid">
        <thead>
          <tr>
            <th>From</th>
            {lines.map(({ name }) => (
              <th key={name} class="numeric">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {times.map((end, i) => (
            <tr key={end}>
              <td class="secondary">{clock(end - stepMillis, utc.value).slice(0, -4)}</td>
              {lines.map(({ name, values }) => {
                const value = values[i];
                return (
                  <td key={name} class="numeric">
                    {value === null || value === undefined ? "–" : text(value)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
