import type * as sdk from "surrealism";
import {
  type Int, type Float, type Decimal, type DateTime, type Duration, type Uuid, type RecordId, type Table, type Range,
  type FileRef, type Regex, type Geometry, type GeometryPoint, type GeometryMultiPolygon,
} from "surrealism";

type Pair<A, B = A> = { first: A; second: B };
interface Tree { name: string; children: Tree[] }
interface Named { name: string }
interface Owned extends Named { owner?: RecordId<"person" | "company"> }
type Id = string | Int;
enum Size { Small = "small", Large = "large" }
enum Level { Low, Middle, High = 10, Higher }

export const scalars = (a: string, b: boolean, c: number, d: Int, e: Float, f: bigint): void => {};
export const classes = (a: Decimal, b: DateTime, c: Date, d: Duration, e: Uuid, f: Uint8Array): void => {};
export const records = (a: RecordId, b: RecordId<"person">, c: Table, d: Table<"person">, e: FileRef): void => {};
export const shapes = (a: Geometry, b: GeometryPoint, c: GeometryMultiPolygon, d: Range<Int>, e: Regex): void => {};
export const lists = (a: string[], b: Array<Int[]>, c: readonly Float[], d: Set<Uuid>, e: [Int, b?: string]): void => {};
export const objects = (a: object, b: Record<string, Int>, c: { [key: string]: Int }, d: Map<string, Int>): void => {};
export const literals = (a: "x" | "y", b: 1 | -2, c: 1.5, d: true, e: 10n): void => {};
export const options = (a: string | undefined, b?: Int, c: number = 1, d = "x", e: string | null = null): void => {};
export const named = (a: Pair<Int>, b: Pair<Int, string>, c: Tree, d: Owned, e: Id, f: Size, g: Level): void => {};
export const built = (a: Partial<Named>, b: Readonly<Named>, c: Named & { age: Int }, d: any, e: unknown, f): void => {};
export async function promised(): Promise<Int[]> { return []; }
export const unsaid = () => 1;
export function never(): never { throw new Error(); }
