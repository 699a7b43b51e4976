import { EspalierError } from "../../../diagnostics/index.ts";
import { typeText, type ValueId } from "../../../ir/index.ts";
import { scalar, toNumbers } from "../../../tensor/index.ts";
import { cast, constant, op, type Scope } from "../emit/scope.ts";

/** The predicates that a value exists under, each with the side that it is on. */
export type Guards = ReadonlyMap<ValueId, boolean>;

/** A value of a TensorFlow graph with Switch and Merge: it exists where its guards hold; null: in a branch that is never taken. */
export type Guarded = { readonly id: ValueId; readonly guards: Guards } | null;

export const NO_GUARDS: Guards = new Map();

/** What holds for a node that reads these values: all their guards, or null when one of them is never computed. */
export function guardsOf(values: readonly Guarded[]): Guards | null {
  if (values.every((value) => value !== null && value.guards.size === 0)) return NO_GUARDS;
  const guards = new Map<ValueId, boolean>();
  for (const value of values) {
    if (value === null) return null;
    for (const [predicate, side] of value.guards) {
      if (guards.get(predicate) === !side) return null;
      guards.set(predicate, side);
    }
  }
  return guards;
}

/** Switch: output 0 is the data where the predicate is false, output 1 where it is true. */
export function switched(s: Scope, data: ValueId, predicate: ValueId, guards: Guards): readonly [Guarded, Guarded] {
  const known = s.builder.value(predicate).data;
  if (known !== undefined) {
    const taken = toNumbers(known)[0] !== 0;
    return [taken ? null : { id: data, guards }, taken ? { id: data, guards } : null];
  }
  return [
    { id: data, guards: new Map([...guards, [predicate, false]]) },
    { id: data, guards: new Map([...guards, [predicate, true]]) },
  ];
}

/** Merge: the input that exists. Where a computed predicate decides, both are computed and chosen from. Outputs: value, its index. */
export function merged(s: Scope, values: readonly Guarded[]): readonly [Guarded, Guarded] {
  const alive = values.flatMap((value, index) => (value === null ? [] : [{ value, index }]));
  const [first, second] = alive;
  if (first === undefined) return [null, null];
  const index = (value: number) => constant(s, "index", scalar("int32", value));
  if (second === undefined) return [first.value, { id: index(first.index), guards: first.value.guards }];
  const deciding = [...first.value.guards].find(([predicate, side]) => second.value.guards.get(predicate) === !side);
  if (alive.length > 2 || deciding === undefined)
    throw new EspalierError(
      "unsupported",
      "A Merge whose inputs are not the two sides of one condition is not supported",
      {
        hint: "Export the model without loops and conditions.",
      },
    );
  const [a, b] = [first.value.id, second.value.id].map((id) => s.builder.value(id).type);
  if (typeText(a!) !== typeText(b!))
    throw new EspalierError(
      "unsupported",
      `The sides of a condition give ${typeText(a!)} and ${typeText(b!)}: they must agree`,
      {
        hint: `The value "${s.builder.value(deciding[0]).name}" decides; export the model with that condition fixed.`,
      },
    );
  const [predicate, firstIsTrue] = deciding;
  const condition = cast(s, predicate, "bool");
  const [yes, no] = firstIsTrue ? [first, second] : [second, first];
  const guards = new Map([...first.value.guards, ...second.value.guards]);
  guards.delete(predicate);
  return [
    { id: op(s, "Where", [condition, yes.value.id, no.value.id]), guards },
    { id: op(s, "Where", [condition, index(yes.index), index(no.index)]), guards },
  ];
}
