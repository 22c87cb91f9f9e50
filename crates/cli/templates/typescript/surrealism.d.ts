// The types of the module `surrealism`, which is part of every plugin. For editors: the build does not read it.

declare module "surrealism" {
  /** A 64-bit integer. Beyond 2^53 it is a `bigint`. */
  export type Int = number;
  /** A floating-point number, whole or not. */
  export type Float = number;
  /** Any value. */
  export type Value = any;

  /** A decimal of at most 28 digits, as text. */
  export class Decimal {
    constructor(value: string | number | bigint | Decimal);
    toNumber(): number;
    toString(): string;
    equals(other: unknown): boolean;
  }

  /** A length of time, in nanoseconds. */
  export class Duration {
    /** `"1h30m"`, or seconds and nanoseconds. */
    constructor(value: string | Duration | [seconds: number | bigint, nanoseconds?: number]);
    static milliseconds(count: number): Duration;
    static seconds(count: number): Duration;
    readonly seconds: bigint;
    readonly nanoseconds: number;
    toMilliseconds(): number;
    toString(): string;
    equals(other: unknown): boolean;
  }

  /** A point in time, in nanoseconds. */
  export class DateTime extends Date {
    constructor(value?: string | number | Date, nanoseconds?: number);
    /** The nanoseconds beyond the milliseconds. */
    readonly nanoseconds: number;
  }

  export class Uuid {
    constructor(text: string);
    static v4(): Uuid;
    static v7(): Uuid;
    toString(): string;
    equals(other: unknown): boolean;
  }

  export class Table<Name extends string = string> {
    constructor(name: Name);
    readonly name: Name;
    toString(): string;
    equals(other: unknown): boolean;
  }

  export class RecordId<Name extends string = string> {
    constructor(table: Name | Table<Name>, id: unknown);
    readonly table: Table<Name>;
    readonly id: unknown;
    /** As SurrealQL: `person:ada`. */
    toString(): string;
    equals(other: unknown): boolean;
  }

  export class FileRef {
    constructor(bucket: string, key: string);
    readonly bucket: string;
    readonly key: string;
    toString(): string;
    equals(other: unknown): boolean;
  }

  export class Regex {
    constructor(source: string);
    readonly source: string;
    toString(): string;
    equals(other: unknown): boolean;
  }

  export class BoundIncluded<T> {
    constructor(value: T);
    readonly value: T;
  }

  export class BoundExcluded<T> {
    constructor(value: T);
    readonly value: T;
  }

  /** A range. Other values than bounds are included at the start, and not at the end. */
  export class Range<T = unknown> {
    constructor(start?: T | BoundIncluded<T> | BoundExcluded<T>, end?: T | BoundIncluded<T> | BoundExcluded<T>);
    readonly start: BoundIncluded<T> | BoundExcluded<T> | undefined;
    readonly end: BoundIncluded<T> | BoundExcluded<T> | undefined;
    toString(): string;
    equals(other: unknown): boolean;
  }

  type Point = [longitude: number, latitude: number];

  abstract class GeometryOf<C> {
    constructor(coordinates: C);
    readonly type: string;
    readonly coordinates: C;
    toString(): string;
    equals(other: unknown): boolean;
  }

  export class GeometryPoint extends GeometryOf<Point> {}
  export class GeometryLine extends GeometryOf<Point[]> {}
  export class GeometryPolygon extends GeometryOf<Point[][]> {}
  export class GeometryMultiPoint extends GeometryOf<Point[]> {}
  export class GeometryMultiLine extends GeometryOf<Point[][]> {}
  export class GeometryMultiPolygon extends GeometryOf<Point[][][]> {}
  export class GeometryCollection extends GeometryOf<Geometry[]> {
    readonly geometries: Geometry[];
  }
  export type Geometry =
    | GeometryPoint | GeometryLine | GeometryPolygon | GeometryMultiPoint | GeometryMultiLine
    | GeometryMultiPolygon | GeometryCollection;

  /** Runs a query and returns the value of its last statement. Needs `allow_arbitrary_queries`. */
  export function sql<T = any>(query: string, vars?: Record<string, unknown>): T;

  /** Calls a function of the database or of another plugin. Needs `allow_functions`. */
  export function run<T = any>(name: string, args?: unknown[], version?: string): T;

  /** The plugin's key-value store, which all instances share. */
  export const kv: {
    get<T = any>(key: string): T | undefined;
    set(key: string, value: unknown): void;
    del(key: string): void;
    exists(key: string): boolean;
    delRange(range?: Range<string>): void;
    getBatch<T = any>(keys: Iterable<string>): (T | undefined)[];
    setBatch(entries: Record<string, unknown> | Map<string, unknown>): void;
    delBatch(keys: Iterable<string>): void;
    keys(range?: Range<string>): string[];
    values<T = any>(range?: Range<string>): T[];
    entries<T = any>(range?: Range<string>): [string, T][];
    count(range?: Range<string>): number;
    /** The functions from here on need a host of this project. */
    compareAndSet(key: string, expected: unknown, value: unknown): boolean;
    increment(key: string, delta?: Int | bigint): Int;
    setWithTtl(key: string, value: unknown, ttl: Duration | number): void;
    incrementWithTtl(key: string, delta: Int | bigint, ttl: Duration | number): Int;
    ttl(key: string): Duration | undefined;
    setTtl(key: string, ttl?: Duration | number): boolean;
  };
}

declare const console: Record<"log" | "info" | "debug" | "warn" | "error", (...values: unknown[]) => void>;
declare function print(...values: unknown[]): void;
