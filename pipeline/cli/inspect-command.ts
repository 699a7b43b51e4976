import { inspectModel } from "../inspect/inspect-model.ts";
import { renderInspection } from "../inspect/render.ts";
import { parseInputs } from "./input-flag.ts";

/** The options of `inspect` as commander gives them. */
export interface InspectOptions {
  readonly input?: readonly string[];
  readonly target?: string;
  readonly json?: boolean;
}

/** Prints what a model is, as text or as one JSON object. */
export async function runInspect(model: string, options: InspectOptions): Promise<void> {
  const target = options.target === undefined ? {} : { target: options.target };
  const facts = await inspectModel({ model, ...target, ...parseInputs(options.input ?? []) });
  process.stdout.write(options.json === true ? `${JSON.stringify(facts, null, 2)}\n` : renderInspection(facts));
}
