import { EspalierError } from "../../../diagnostics/index.ts";
import type { TfNode } from "./node-def.ts";

/**
 * The nodes that the given ones depend on (by data, or also by control edges), and those themselves, each after its
 * inputs. Without recursion.
 * Throws EspalierError "input" on a cycle or an input that no node computes.
 */
export function orderedFrom(nodes: ReadonlyMap<string, TfNode>, roots: readonly string[], controls = false): TfNode[] {
  const ordered: TfNode[] = [];
  const state = new Map<string, "open" | "done">();
  const stack: { readonly node: TfNode; readonly needs: readonly string[]; next: number }[] = [];
  const enter = (name: string, reader: string) => {
    const node = nodes.get(name);
    if (node === undefined)
      throw new EspalierError("input", `Reads "${name}", which no node of the file computes`, { where: reader });
    if (state.get(name) === "open")
      throw new EspalierError("unsupported", "The node depends on its own result", {
        where: `node "${name}" (${node.op})`,
        hint: "Loops are not supported; export the model with its loops unrolled.",
      });
    if (state.has(name)) return;
    state.set(name, "open");
    const data = node.inputs.map((input) => input.node);
    stack.push({ node, needs: controls ? [...data, ...node.controls] : data, next: 0 });
  };
  for (const root of roots) {
    enter(root, "outputs");
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const need = top.needs[top.next++];
      if (need !== undefined) enter(need, `node "${top.node.name}" (${top.node.op})`);
      else {
        stack.pop();
        state.set(top.node.name, "done");
        ordered.push(top.node);
      }
    }
  }
  return ordered;
}
