import type { Construction } from "../random-graph.ts";
import { elementwise } from "./elementwise.ts";
import { indices } from "./indices.ts";
import { integers } from "./integers.ts";
import { movement } from "./movement.ts";
import { norms } from "./norms.ts";
import { products } from "./products.ts";
import { sequences } from "./sequences.ts";

/** Every construction by name. */
export const CONSTRUCTIONS: Readonly<Record<string, Construction>> = {
  ...products,
  ...sequences,
  ...elementwise,
  ...norms,
  ...movement,
  ...indices,
  ...integers,
};
