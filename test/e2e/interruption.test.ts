import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { deploy } from "../../pipeline/deploy.ts";
import { silent } from "../../pipeline/progress.ts";
import { fingerprint, parseReport } from "../../src/report/index.ts";
import { startEspalier } from "../fixtures/e2e/cli.ts";
import { answer } from "../fixtures/e2e/in-process.ts";
import { type TinyInputs, writeTinyInputs } from "../fixtures/e2e/tiny-inputs.ts";
import { contentsOf, scratchFolders } from "../unit/io/scratch-folder.ts";

const scratch = scratchFolders();
let folder: string;
let inputs: TinyInputs;

beforeAll(async () => {
  folder = scratch();
  inputs = await writeTinyInputs(folder);
});

/** Enough fine-tuning that a test can interrupt it, little enough to wait for. */
const EPOCHS = "12";

function deployArgs(out: string, epochs = EPOCHS): string[] {
  const { model, data } = inputs;
  return ["deploy", "--target", "mcu", "--model", model, "--data", data, "--out", out, "--epochs", epochs];
}

/** What a run directory holds for the user, timed figures apart. */
function results(out: string): Record<string, string> {
  const own = Object.entries(contentsOf(out)).filter(
    ([path]) => !path.startsWith("report.") && path !== "timings.json",
  );
  const report = parseReport(JSON.parse(readFileSync(join(out, "report.json"), "utf8")));
  return { ...Object.fromEntries(own), fingerprint: fingerprint(report) };
}

function hiddenFiles(out: string): string[] {
  return readdirSync(out, { recursive: true, encoding: "utf8" }).filter((path) => /(^|\/)\./.test(path));
}

describe("a run that is killed while it fine-tunes", () => {
  it("is taken up by the next one, which ends with the bytes of an undisturbed run", async () => {
    const out = join(folder, "killed");
    const first = startEspalier(deployArgs(out), folder);
    await first.says(" % loss");
    first.child.kill("SIGKILL");
    expect((await first.finished).signal).toBe("SIGKILL");
    expect(readdirSync(out).filter((name) => /^(report|tiny|model_data)/.test(name))).toEqual([]);

    const second = await answer(deployArgs(out));
    expect(second.code, second.stderr).toBe(0);
    for (const stage of ["baseline", "sensitivity", "budget", "prune"])
      expect(second.stderr).toContain(`${stage}: taken over from the earlier run`);
    expect(second.stderr).not.toContain("finetune: taken over");
    expect(hiddenFiles(out)).toEqual([]);

    const whole = join(folder, "whole");
    expect((await answer(deployArgs(whole))).code).toBe(0);
    expect(results(out)).toEqual(results(whole));

    const third = await answer([...deployArgs(out), "--json"]);
    expect(third.stderr.match(/taken over/g)).toHaveLength(8);
    expect(fingerprint(parseReport(JSON.parse(third.stdout)))).toBe(results(whole).fingerprint);

    // The folder never shows a report of another command than the last.
    expect((await answer([...deployArgs(out), "--macs", "1"])).code).toBe(2);
    expect(readdirSync(out).sort()).toEqual(["espalier-run.json", "stages", "timings.json"]);
  });
});

describe("a run that is in the way", () => {
  it("keeps a second process out, and Ctrl-C leaves finished stages and nothing half-written", async () => {
    const out = join(folder, "interrupted");
    const first = startEspalier(deployArgs(out, "500"), folder);
    await first.says(" % loss");

    const other = await answer(deployArgs(out, "500"));
    expect(other.code).toBe(1);
    expect(other.stderr).toContain(`The run directory is in use by process ${first.child.pid}`);
    expect(other.stderr).toContain("--out");

    first.child.kill("SIGINT");
    const { signal, code, stdout, stderr } = await first.finished;
    // A shell reports a process that ended by SIGINT as 130.
    expect([signal, code]).toEqual(["SIGINT", null]);
    expect(stdout).toBe("");
    expect(stderr).toContain("interrupted; the same command goes on from the last finished stage");
    expect(existsSync(join(out, ".lock"))).toBe(false);
    expect(hiddenFiles(out)).toEqual([]);
    expect(readdirSync(out).sort()).toEqual(["espalier-run.json", "stages", "timings.json"]);
    expect(readdirSync(join(out, "stages"))).not.toContain("finetune.json");
  });
});

describe("a caller's signal", () => {
  it("stops the run at the next step; what was finished is taken over by the next one", async () => {
    const out = join(folder, "cancelled");
    const { model, data } = inputs;
    const request = { target: "mcu", model, data, out, epochs: 1, testSamples: 20 };
    const controller = new AbortController();
    const steps: string[] = [];
    const progress = {
      ...silent,
      stage: (name: string) => void steps.push(name),
      step: () => {
        if (steps.at(-1) === "finetune") controller.abort();
      },
    };
    const cancelled = deploy(request, progress, { signal: controller.signal });
    await expect(cancelled).rejects.toThrow(/Training was cancelled at step 1\b/);
    expect(steps).toEqual(["baseline", "sensitivity", "budget", "prune", "finetune"]);
    expect(hiddenFiles(out)).toEqual([]);

    const resumed: string[] = [];
    await deploy(request, { ...silent, resumed: (name) => void resumed.push(name) });
    expect(resumed).toEqual(["baseline", "sensitivity", "budget", "prune"]);
    const between = deploy(request, silent, { signal: AbortSignal.abort() });
    await expect(between).rejects.toThrow('The run was cancelled before stage "baseline"');
  });
});
