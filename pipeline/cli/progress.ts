import { styleText } from "node:util";
import { Presets, SingleBar } from "cli-progress";
import { onInterrupt } from "../../src/io/index.ts";
import type { Progress } from "../progress.ts";

type Format = Parameters<typeof styleText>[0];

/** Colours only where the stream is a terminal that wants them (NO_COLOR, FORCE_COLOR). */
export function paint(format: Format, text: string, stream: NodeJS.WriteStream = process.stderr): string {
  return styleText(format, text, { stream });
}

/** A live bar with the time left, on a terminal. */
function terminalProgress(stream: NodeJS.WriteStream): Progress {
  let bar: SingleBar | null = null;
  let forget = () => {};
  const stop = () => {
    forget();
    bar?.stop();
    bar = null;
  };
  const line = (text: string) => {
    stop();
    stream.write(`${text}\n`);
  };
  return {
    stage: (name, what) => line(`${paint("bold", name.padEnd(12))} ${what}`),
    resumed: (name) => line(`${paint("bold", name.padEnd(12))} ${paint("dim", "taken over from the earlier run")}`),
    step: (done, total, detail = "") => {
      if (bar === null) {
        bar = new SingleBar(
          {
            stream,
            format: `             {bar} {percentage}% | {eta_formatted} left | {detail}`,
            hideCursor: true,
            clearOnComplete: true,
            barsize: 28,
            // The bar's own signal handler would swallow the first Ctrl-C.
            gracefulExit: false,
          },
          Presets.shades_classic,
        );
        forget = onInterrupt(() => bar?.stop());
        bar.start(total, done, { detail });
      } else {
        bar.setTotal(total);
        bar.update(done, { detail });
      }
    },
    done: (_name, seconds, result) => line(`${" ".repeat(13)}${result} ${paint("dim", `(${seconds.toFixed(1)} s)`)}`),
    note: (text) => line(`${" ".repeat(13)}${text}`),
    warn: (text) => line(`${paint("yellow", "warning:")} ${text}`),
    end: stop,
  };
}

/** Plain lines: one a stage, and one at each fifth of a long step. */
function lineProgress(stream: NodeJS.WriteStream): Progress {
  let fifth = -1;
  const line = (text: string) => stream.write(`${text}\n`);
  return {
    stage: (name, what) => {
      fifth = -1;
      line(`${name}: ${what}`);
    },
    resumed: (name) => line(`${name}: taken over from the earlier run`),
    step: (done, total, detail = "") => {
      const now = Math.floor((5 * done) / Math.max(1, total));
      if (now === fifth || now === 0) return;
      fifth = now;
      line(`  ${Math.round((100 * done) / total)} %${detail === "" ? "" : ` ${detail}`}`);
    },
    done: (name, seconds, result) => line(`${name}: ${result} (${seconds.toFixed(1)} s)`),
    note: (text) => line(`  ${text}`),
    warn: (text) => line(`warning: ${text}`),
    end: () => {},
  };
}

/** The reporter that suits a stream. */
export function progressFor(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY === true ? terminalProgress(stream) : lineProgress(stream);
}
