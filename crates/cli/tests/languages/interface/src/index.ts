import { sql, run, kv, type Int, Decimal, Duration, Range, RecordId } from "surrealism";
import { twice } from "./numbers";
export * as numbers from "./numbers.js";
export { halve as half } from "./numbers.js";

interface Named { name: string }
interface Person extends Named { age: Int; email?: string; friends: Person[] }
type Size = "small" | "large";
enum Level { Low = 1, High }

let started = 0;

/** @init */
export function start() {
  started += 1;
}

export function starts(): Int { return started; }

/** Old enough to drive? */
export function canDrive(age: Int): boolean { return age >= 18; }

/**
 * Parses an integer.
 *
 * The second paragraph.
 *
 * @name text::parse  @writeable
 */
export function parse(text: string, /** @name radix */ base?: Int): Int | undefined {
  const number = parseInt(text, base);
  return Number.isNaN(number) ? undefined : number;
}

export namespace math {
  export const add = (a: number, b: number): number => a + b;
  export namespace deep {
    export function three(): Int { return 3; }
  }
  const hidden = (): Int => 4;
}

export default function greet(name: string) { return `Hello, ${name}!`; }

export async function adults(): Promise<Person[]> {
  return await sql("SELECT * FROM person WHERE age >= $min", { min: 18 });
}

export const slug = async (title: string): Promise<string> => run("string::slug", [title]);

export function birthday(person: Person): Person { return { ...person, age: person.age + 1 }; }

export function flip(size: Size = "small"): Size { return size === "small" ? "large" : "small"; }

export function raise(level: Level): Level { return level === Level.Low ? Level.High : level; }

export function nothing(x: string | null): string | null { return x; }

export const total = (prices: Decimal[]): Decimal => {
  let sum = 0;
  for (const price of prices) sum += price.toNumber();
  return new Decimal(sum.toFixed(2));
};

export function prints(): void {
  console.log("a line", { a: [1, new RecordId("person", "ada")] });
  console.error("an error");
}

/** Every call of the store, and what it returned. */
export async function store(): Promise<any[]> {
  await kv.set("a", { n: 1 });
  kv.setBatch({ b: 2, c: [3] });
  const seen: any[] = [kv.get("a"), kv.exists("b"), kv.getBatch(["b", "x"]), kv.count()];
  seen.push(kv.keys(new Range("b")), kv.values(new Range("a", "c")), kv.entries(), kv.increment("n", 2));
  seen.push(kv.compareAndSet("n", 2, 5), kv.compareAndSet("n", 2, 6), kv.get("n"));
  kv.setWithTtl("t", true, Duration.seconds(60));
  seen.push(kv.ttl("t")!.seconds > 50n, kv.setTtl("t"), kv.ttl("t"));
  kv.del("a");
  kv.delBatch(["b"]);
  kv.delRange(new Range("c", "d"));
  seen.push(kv.keys());
  return seen;
}

export function fails(message: string): void {
  throw new Error(message);
}

export function mistake(): void {
  const nobody: any = undefined;
  nobody.name;
}

export async function rejects(): Promise<void> {
  await null;
  throw twice(1);
}

class NotFound extends Error { override name = "NotFound"; }

export function throwsItsOwn(): void { throw new NotFound("no such page"); }

export function wrong(): Int { return "x" as any; }
