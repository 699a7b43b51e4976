/** How pruning sees an operator; "frozen" ties every axis that it touches to its present size. (Interface of the rule: see src/prune/.) */
export type CouplingRule<A> = "frozen" | ((context: { readonly attrs: A }) => void);
