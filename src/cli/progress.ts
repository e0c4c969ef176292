/** What a person sees while a model trains: a bar on a terminal, a line an epoch anywhere else. */
import { SingleBar } from "cli-progress";
import { duration, lossText } from "./text.js";

/** Where training is. */
export interface Position {
  readonly epoch: number;
  readonly epochs: number;
  readonly batch: number;
  readonly batches: number;
  readonly loss: number;
  /** The measure of the task: `accuracy 96.5 %`. */
  readonly measure: string;
  /** How fast it goes: `1,235 pictures/s`. */
  readonly speed: string;
  /** For the rest of the run. */
  readonly secondsLeft: number;
}

const blocks = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar of `width` characters whose first `share` is filled, to an eighth of a character. */
export function blockBar(share: number, width: number, rest = " "): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  const bar = "█".repeat(Math.floor(eighths / 8)) + blocks[eighths % 8];
  return bar + rest.repeat(width - bar.length);
}

/** The line of the bar, cut to the terminal. */
export function progressLine(p: Position, columns: number): string {
  const done = p.batches ? p.batch / p.batches : 0;
  const numbers = [
    `loss ${lossText(p.loss)}`,
    p.measure,
    p.speed,
    `${Number.isFinite(p.secondsLeft) ? duration(p.secondsLeft) : "…"} left`,
  ].join("  ");
  const name = `epoch ${String(p.epoch).padStart(String(p.epochs).length)}/${p.epochs}`;
  const width = Math.min(32, columns - name.length - numbers.length - 6);
  return (width >= 6 ? `${name} ▕${blockBar(done, width)}▏ ${numbers}` : `${name}  ${numbers}`).slice(0, columns - 1);
}

/** Shows where training is, at most ten times a second. */
export interface ProgressDisplay {
  /** Whether it is time to show something again; nothing needs to be measured when not. */
  due(): boolean;
  show(position: Position): void;
  /** Writes a line that stays. */
  line(text: string): void;
  close(): void;
}

const plainDisplay = (out: NodeJS.WriteStream): ProgressDisplay => ({
  due: () => false,
  show: () => {},
  line: (text) => void out.write(`${text}\n`),
  close: () => {},
});

/** A bar when `out` is a terminal; otherwise lines only, so that a log file stays readable. */
export function progressDisplay(out: NodeJS.WriteStream): ProgressDisplay {
  if (!out.isTTY) return plainDisplay(out);
  let latest: Position | null = null;
  let last = 0;
  const bar = new SingleBar({
    stream: out,
    clearOnComplete: true,
    hideCursor: true,
    fps: 10,
    gracefulExit: false,
    format: () => (latest ? progressLine(latest, out.columns || 80) : ""),
  });
  const close = (): void => {
    if (latest) bar.stop();
    latest = null;
  };
  return {
    due: () => performance.now() - last >= 100,
    show(position) {
      const opened = latest !== null;
      latest = position;
      last = performance.now();
      if (opened) bar.update(position.batch);
      else bar.start(position.batches, position.batch);
    },
    line(text) {
      close();
      out.write(`${text}\n`);
    },
    close,
  };
}
