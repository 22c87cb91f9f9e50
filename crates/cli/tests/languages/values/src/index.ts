// Functions that return their argument, as the Rust guest `attribute_matrix` has them.
import type {
  DateTime, Decimal, Duration, FileRef, Float, Geometry, GeometryPoint, Int, Range, RecordId, Regex, Uuid,
} from "surrealism";

export namespace echo {
  export const any = (x: any): any => x;
  export const none = (x: undefined): void => x;
  export const bool = (x: boolean): boolean => x;
  export const int = (x: Int): Int => x;
  export const bigint = (x: bigint): bigint => {
    if (typeof x !== "bigint") throw new TypeError(`expected a bigint, got ${typeof x}`);
    return x;
  };
  export const float = (x: Float): Float => x;
  export const decimal = (x: Decimal): Decimal => x;
  export const number = (x: number): number => x;
  export const string = (x: string): string => x;
  export const bytes = (x: Uint8Array): Uint8Array => x;
  export const datetime = (x: DateTime): DateTime => x;
  export const duration = (x: Duration): Duration => x;
  export const uuid = (x: Uuid): Uuid => x;
  export const record = (x: RecordId): RecordId => x;
  export const person = (x: RecordId<"person">): RecordId<"person"> => x;
  export const geometry = (x: GeometryPoint): GeometryPoint => x;
  export const shape = (x: Geometry): Geometry => x;
  export const range = (x: Range): Range => x;
  export const file = (x: FileRef): FileRef => x;
  export const regex = (x: Regex): Regex => x;
  export const set = (x: Set<Int>): Set<Int> => x;
  export const object = (x: object): object => x;
  export const array = (x: any[]): any[] => x;
  export const list = (x: string[]): string[] => x;
  export const tuple = (x: [Int, string]): [Int, string] => x;
  export const map = (x: Record<string, Int>): Map<string, Int> => new Map(Object.entries(x));
}

export function optional(x?: Int, otherwise?: Int): Int | undefined {
  return x ?? otherwise;
}

export namespace math {
  export const add = (a: Int, b: Int): Int => a + b;
}

/** Returns what JavaScript sees of a value. */
export function seen(x: any): string {
  const name = x?.constructor?.name ?? String(x);
  return typeof x === "object" ? name : `${typeof x} ${String(x)}`;
}
