import { type DeviceProfile, loadProfile } from "../../src/cost/index.ts";
import { type Graph, valueById } from "../../src/ir/index.ts";
import { checkNofM, type MaskRow, maskableWeights } from "../../src/prune/index.ts";
import { DTYPES } from "../../src/tensor/index.ts";
import { type SparsitySettings, TARGETS, type Target } from "../../targets/index.ts";
import { eligibleWeights } from "../stages/sparsify.ts";

/** What a target makes of the zeros of a model. */
export interface ZeroUse {
  readonly target: string;
  /** The device whose profile decides. */
  readonly profile: string;
  readonly faster: boolean;
  readonly says: string;
  /** Layers that hold the target's pattern, and those of them in which its sparse kernels win. */
  readonly layers: { readonly hold: number; readonly win: number } | null;
}

/** One layer in a report about zeros. */
export interface ZeroRow extends MaskRow {
  /** zeros / weights. */
  readonly share: number;
  /** Bytes of the weight in the arithmetic of the target whose kernels leave its zeros out, as it is and compressed; null where no target's do. */
  readonly stored: { readonly target: string; readonly dense: number; readonly compressed: number } | null;
}

/** Bits that say where in its run each weight stands that is kept (2:4 on NVIDIA Ampere: which of four). */
const INDEX_BITS = 2;

/** A target's device and, where its kernels know a pattern, the nodes whose weights obey it and those of them that it would run sparse. */
interface User {
  readonly target: Target;
  readonly profile: DeviceProfile;
  readonly holders: ReadonlySet<string>;
  readonly winners: ReadonlySet<string>;
}

async function usersOf(graph: Graph): Promise<User[]> {
  return Promise.all(
    Object.values(TARGETS).map(async (target) => {
      const profile = await loadProfile(target.defaults.profile);
      const holders = holdersOf(graph, target);
      const won = eligibleWeights(graph, { target, profile }).map(({ node }) => node.name);
      return { target, profile, holders, winners: new Set(won.filter((name) => holders.has(name))) };
    }),
  );
}

/** Names of the nodes whose weights obey the pattern of a target. */
function holdersOf(graph: Graph, { sparsity }: Target): ReadonlySet<string> {
  if (sparsity === null) return new Set();
  const { n, m } = sparsity;
  return new Set(
    maskableWeights(graph, { m })
      .filter(({ value, axis }) => checkNofM(valueById(graph, value).data!, axis, n, m) === 0)
      .map(({ node }) => node.name),
  );
}

/** What each target gains by the zeros that a graph really has: read from its weights, not from what was asked for. */
export async function zeroUses(graph: Graph): Promise<ZeroUse[]> {
  return (await usersOf(graph)).map(({ target, profile, holders, winners }) => ({
    target: target.name,
    profile: profile.name,
    faster: winners.size > 0,
    says:
      target.sparsity === null
        ? withoutSparseKernels(profile)
        : withSparseKernels(target.sparsity, holders.size, winners.size),
    layers: target.sparsity === null ? null : { hold: holders.size, win: winners.size },
  }));
}

function withoutSparseKernels({ name }: DeviceProfile): string {
  const zeros = "its kernels multiply by zeros as by any other weight";
  // Arm, Benefit of pruning and clustering a neural network before deploying on Arm Ethos-U NPU: the weight decoder takes zeros in fewer bits.
  return name.startsWith("ethos-u")
    ? `no gain that Espalier counts: ${zeros}; Arm's compiler Vela does store them in fewer bits`
    : `no faster and no smaller: ${zeros}`;
}

function withSparseKernels({ n, m }: SparsitySettings, hold: number, win: number): string {
  const layers = `${hold} layer${hold === 1 ? "" : "s"} hold${hold === 1 ? "s" : ""} ${n}:${m}`;
  if (hold === 0) return `no faster: no layer holds ${n}:${m}, the only zeros that its kernels leave out`;
  if (win === 0) return `no faster: ${layers}, all too small for sparse kernels to win`;
  return `faster: ${layers}, and sparse kernels win in ${win} (TensorRT, sparse weights allowed)`;
}

/** Rows for a report: what each weight takes where its zeros are left out. */
export async function zeroRows(graph: Graph, rows: readonly MaskRow[]): Promise<ZeroRow[]> {
  const users = await usersOf(graph);
  return rows.map((row) => {
    const share = row.weights === 0 ? 0 : row.zeros / row.weights;
    const user = users.find(({ winners }) => winners.has(row.node));
    if (user === undefined) return { ...row, share, stored: null };
    const { n, m } = user.target.sparsity!;
    const { bytes } = DTYPES[user.profile.deploy.precision];
    const compressed = Math.ceil((row.weights * n * (8 * bytes + INDEX_BITS)) / (8 * m));
    return { ...row, share, stored: { target: user.target.name, dense: row.weights * bytes, compressed } };
  });
}
