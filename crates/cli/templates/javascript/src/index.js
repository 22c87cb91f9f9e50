/**
 * Greets a person by name.
 *
 * @param {string} name
 * @returns {string}
 */
export function greet(name) {
  const trimmed = name.trim();
  if (trimmed === "") throw new Error("cannot greet: the name is empty");
  return `Hello, ${trimmed}!`;
}

// A namespace: its functions are called as `math::…`.
export * as math from "./math.js";
