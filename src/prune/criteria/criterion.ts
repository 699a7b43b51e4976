/** How much a weight matters. The score of a unit in one weight is `finish` of the sum of `element` over the unit's elements there. */
export interface Criterion {
  readonly name: string;
  readonly says: string;
  /** Whether it needs the loss gradient of each weight. */
  readonly gradients: boolean;
  /** Null: it looks at no weight (random). */
  readonly element: ((weight: number, gradient: number) => number) | null;
  readonly finish: (sum: number) => number;
}
