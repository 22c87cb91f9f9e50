import type { Int } from "surrealism";

/** Twice as much. */
export function twice(x: Int): Int { return x * 2; }

/** Half as much. */
export const halve = (x: number): number => x / 2;

export default function answer(): Int { return 42; }
