/** How a run tells a person what it does. Long steps report how far they are; the control flow never depends on it. */
export interface Progress {
  /** A stage of the pipeline begins. */
  stage(name: string, what: string): void;
  /** The running stage was taken over from an earlier run. */
  resumed(name: string): void;
  /** Progress within the stage: `done` of `total`, with a short text such as "loss 0.31". */
  step(done: number, total: number, detail?: string): void;
  /** The stage ended after that many seconds, with a one-line result. */
  done(name: string, seconds: number, result: string): void;
  /** A line worth knowing. */
  note(text: string): void;
  warn(text: string): void;
  /** Nothing more will come, whether all went well or not: what is live on a terminal is put away. */
  end(): void;
}

/** Says nothing. */
export const silent: Progress = { stage() {}, resumed() {}, step() {}, done() {}, note() {}, warn() {}, end() {} };
