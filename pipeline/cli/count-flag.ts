import { InvalidArgumentError } from "commander";

/** A flag's value as a whole number from 1 on, of nine digits at most. */
export function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It must be a whole number from 1 on.");
  return Number(text);
}
