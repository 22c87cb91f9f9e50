import type { Int } from "surrealism";

/** Greets a person by name. */
export function greet(name: string): string {
  const trimmed = name.trim();
  if (trimmed === "") throw new Error("cannot greet: the name is empty");
  return `Hello, ${trimmed}!`;
}

// A namespace: its function is called as `math::add`.
export namespace math {
  /** Adds two numbers. */
  export function add(a: Int, b: Int): Int {
    return a + b;
  }
}
