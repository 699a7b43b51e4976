import { readFileSync } from "node:fs";
import {
  type Fitter,
  fittedErrors,
  heldOutErrors,
  heldOutNetworkRatioErrors,
  heldOutRatioErrors,
  type Observation,
} from "../src/cost/calibrate/cross-validate.ts";
import { dot, fitNonNegative, fitTowardsPooled } from "../src/cost/calibrate/least-squares.ts";
import { seededRandom } from "../src/tensor/index.ts";

// Recomputes the latency constants and errors that stand in hardware-profiles/: npx tsx scripts/fit-latency.ts <latency.json> [name]
// The file is a JSON array of published measurements (docs/hardware-profiles.md says which); it is too large to be in the repository.

interface Row {
  readonly id: string;
  readonly origin: string;
  readonly device: string;
  readonly core?: string;
  readonly clock_mhz?: number;
  readonly runtime: string;
  readonly runtime_version?: string;
  readonly precision: string;
  readonly sparsity: string;
  readonly batch: number;
  readonly model: string;
  readonly macs?: number;
  readonly params?: number;
  readonly macts?: number;
  readonly mac_kinds?: Readonly<Record<string, number>>;
  readonly latency_ms: number;
  readonly exclude?: string;
  readonly note?: string;
}

interface FitPlan {
  readonly name: string;
  readonly columns: readonly string[];
  readonly keep: (row: Row) => boolean;
  readonly features: (row: Row) => readonly number[];
  readonly target: (row: Row) => number;
  readonly group?: (row: Row) => string;
  readonly family?: (row: Row) => string;
  readonly fit?: Fitter;
}

const cycles = (row: Row) => row.latency_ms * 1e3 * (row.clock_mhz ?? 0);
const kinds = (row: Row) => {
  const k = row.mac_kinds ?? {};
  return [(k.conv ?? 0) + (k.gconv ?? 0), (k.pw ?? 0) + (k.dw ?? 0), k.fc ?? 0];
};
const linear: Fitter = (rows) => {
  const c = fitNonNegative(
    rows.map((r) => r.features),
    rows.map((r) => r.target),
  );
  return (features) => dot(features, c);
};
/** Kernel classes are few rows each: draw them towards the pooled cycles per MAC. */
const shrunk: Fitter = (rows) => {
  const c = fitTowardsPooled(
    rows.map((r) => r.features),
    rows.map((r) => r.target),
  );
  return (features) => dot(features, c);
};
const version = (row: Row) => Number.parseFloat(row.runtime_version ?? "0");
/** One network at several resolutions on one board and runtime version. */
const architecture = (row: Row) =>
  [row.device, row.runtime, row.runtime_version, row.model.replace(/[\d.]+x[\d.]+|-r\d+/g, "")].join("|");
const mcu = (name: string, core: string, keep: (row: Row) => boolean): FitPlan => ({
  name,
  columns: ["convolution", "separable", "fullyConnected"],
  keep: (row) => row.core === core && row.mac_kinds !== undefined && keep(row),
  features: kinds,
  target: cycles,
  family: architecture,
  fit: shrunk,
});
const mcuPooled = (name: string, core: string, keep: (row: Row) => boolean): FitPlan => ({
  name,
  columns: ["anyMac"],
  keep: (row) => row.core === core && row.macs !== undefined && keep(row),
  features: (row) => [row.macs ?? 0],
  target: cycles,
  family: architecture,
});

/** t = t0 + max(MACs / T, bytes / B): each row is charged to its longer regime, refitted until the assignment settles. */
const roofline: Fitter = (rows) => {
  let c = [5e-6, 1e-14, 1e-12];
  for (let round = 0; round < 30; round++) {
    const split = rows.map(({ features: [, macs = 0, bytes = 0] }) =>
      macs * c[1]! >= bytes * c[2]! ? [1, macs, 0] : [1, 0, bytes],
    );
    const next = fitNonNegative(
      split,
      rows.map((r) => r.target),
    );
    c = next.map((value, i) => (value === 0 ? c[i]! : value));
  }
  return ([, macs = 0, bytes = 0]) => c[0]! + Math.max(macs * c[1]!, bytes * c[2]!);
};

/** Layers of small convolutional networks take tens of microseconds; large matrix products are predicted far better and would flatter the ratio. */
const SMALL_KERNEL_SECONDS = 1e-4;

const gemmShape = (row: Row) => (/M=(\d+) N=(\d+) K=(\d+)/.exec(row.model) ?? []).slice(1).map(Number);
const gemm = (name: string, precision: string, elementBytes: number, outBytes: number): FitPlan => ({
  name,
  columns: ["t0", "secondsPerMac", "secondsPerByte"],
  keep: (row) => row.origin === "slidesparse" && row.precision.startsWith(precision) && row.sparsity === "dense",
  features: (row) => {
    const [m = 0, n = 0, k = 0] = gemmShape(row);
    return [1, m * n * k, (m * k + n * k) * elementBytes + m * n * outBytes];
  },
  target: (row) => row.latency_ms * 1e-3,
  group: (row) => (row.note ?? "").split(";")[0] ?? "",
  family: (row) => `M=${gemmShape(row)[0]}`,
  fit: roofline,
});

const plans = (all: readonly Row[]): FitPlan[] => {
  const denseOf = new Map(
    all
      .filter((r) => r.origin === "slidesparse" && r.sparsity === "dense")
      .map((r) => [`${r.precision.slice(0, 4)} ${r.model}`, r]),
  );
  const sparse = (name: string, precision: string): FitPlan => ({
    name,
    columns: ["addSeconds", "factor"],
    keep: (row) =>
      row.origin === "slidesparse" &&
      row.sparsity !== "dense" &&
      denseOf.has(`${precision} ${row.model}`) &&
      row.precision.startsWith(precision),
    features: (row) => [1, (denseOf.get(`${precision} ${row.model}`)?.latency_ms ?? 0) * 1e-3],
    target: (row) => row.latency_ms * 1e-3,
    group: (row) => (row.note ?? "").split(";")[0] ?? "",
  });
  const hexagon = (name: string, device: RegExp): FitPlan => ({
    name,
    columns: ["t0", "secondsPerMac"],
    keep: (row) =>
      row.origin === "aihub" &&
      device.test(row.device) &&
      /w8a8|int8/i.test(row.precision) &&
      /TFLite|LiteRT/i.test(row.runtime) &&
      row.macs !== undefined,
    features: (row) => [1, row.macs ?? 0],
    target: (row) => row.latency_ms * 1e-3,
  });
  return [
    mcu("m4-cmsis-nn", "Cortex-M4", (row) => row.runtime.includes("CMSIS-NN")),
    mcu("m33-cmsis-nn", "Cortex-M33", (row) => row.runtime.includes("CMSIS-NN") || row.runtime.startsWith("TFLM")),
    mcu("m4-x-cube-ai-9", "Cortex-M4", (row) => row.runtime === "X-CUBE-AI" && version(row) >= 9),
    mcuPooled("m7-tflm-cmsis-nn", "Cortex-M7", (row) => row.runtime.startsWith("TFLM")),
    mcu("m7-x-cube-ai-8", "Cortex-M7", (row) => row.runtime === "X-CUBE-AI" && version(row) >= 7 && version(row) < 9),
    mcu("m7-x-cube-ai-9", "Cortex-M7", (row) => row.runtime === "X-CUBE-AI" && version(row) >= 9),
    mcu("m0plus-hale", "Cortex-M0+", () => true),
    gemm("a100-gemm-fp16", "fp16", 2, 2),
    gemm("a100-gemm-int8", "int8", 1, 4),
    sparse("a100-sparse-fp16", "fp16"),
    sparse("a100-sparse-int8", "int8"),
    {
      name: "rtx3090-cnn",
      columns: ["secondsPerMac", "secondsPerActivation"],
      keep: (row) => row.origin === "timm_3090",
      features: (row) => [row.batch * (row.macs ?? 0), row.batch * (row.macts ?? 0)],
      target: (row) => row.latency_ms * 1e-3,
      family: (row) => row.model.replace(/\d+/g, ""),
    },
    hexagon("hexagon-8gen3", /S24/),
    hexagon("hexagon-8elite", /S25/),
  ];
};

const [file, only] = process.argv.slice(2);
if (file === undefined) throw new Error("usage: fit-latency.ts <latency.json> [name]");
const all = JSON.parse(readFileSync(file, "utf8")) as Row[];
for (const plan of plans(all)) {
  if (only !== undefined && only !== plan.name) continue;
  const rows = all.filter((row) => row.exclude === undefined && plan.keep(row));
  const observations: Observation[] = rows.map((row) => ({
    features: plan.features(row),
    target: plan.target(row),
    group: (plan.group ?? ((r: Row) => r.model))(row),
    ...(plan.family === undefined ? {} : { family: plan.family(row) }),
  }));
  const fitter = plan.fit ?? linear;
  const predict = fitter(observations);
  const unit = plan.columns.map((_, i) => plan.columns.map((_, j) => (i === j ? 1 : 0)));
  const coefficients =
    plan.fit !== roofline
      ? unit.map((u) => predict(u))
      : [predict([1, 0, 0]), predict([1, 1e15, 0]) / 1e15, predict([1, 0, 1e15]) / 1e15];
  const percent = (e: number) => `${(100 * e).toFixed(1)} %`;
  const inSample = fittedErrors(observations, fitter);
  const heldOut = heldOutErrors(observations, fitter);
  const ratios =
    plan.fit === roofline
      ? heldOutNetworkRatioErrors(
          observations.filter((row) => row.target < SMALL_KERNEL_SECONDS),
          fitter,
          seededRandom(0, plan.name),
        )
      : heldOutRatioErrors(observations, fitter);
  const terms = plan.columns.map((column, i) => `${column} ${coefficients[i]!.toPrecision(4)}`).join(", ");
  console.log(
    `${plan.name}: ${terms}; ${inSample.rows} rows of ${inSample.groups} models; fitted mean ${percent(inSample.mean)}; ` +
      `held out mean ${percent(heldOut.mean)}, 90th percentile ${percent(heldOut.percentile90)}, worst ${percent(heldOut.worst)}` +
      (ratios === null
        ? ""
        : `; ratios of ${ratios.rows} rows mean ${percent(ratios.mean)}, 90th percentile ${percent(ratios.percentile90)}`),
  );
}
