// The module `surrealism`: SurrealDB's values that JavaScript does not have, and the functions of the host.

const host = globalThis.__surrealism;
delete globalThis.__surrealism;

// The method that returns the kind of a value and what it is made of.
const PARTS = Symbol("parts");

class Value {
  toString() { return host.format(this); }
  toJSON() { return this.toString(); }
  equals(other) { return other instanceof Value && host.format(this) === host.format(other); }
}

export class Decimal extends Value {
  #text;
  constructor(value) { super(); this.#text = host.decimal(String(value)); }
  toString() { return this.#text; }
  toNumber() { return Number(this.#text); }
  [PARTS]() { return ["decimal", this.#text]; }
}

export class Duration extends Value {
  #seconds;
  #nanoseconds;
  constructor(value) {
    super();
    const [seconds, nanoseconds = 0] =
      value instanceof Duration ? [value.#seconds, value.#nanoseconds]
      : Array.isArray(value) ? value
      : host.duration(String(value));
    const carried = BigInt(seconds) + BigInt(nanoseconds) / 1000000000n;
    if (carried < 0n || carried > 0xffffffffffffffffn) throw new RangeError("a duration has 0 to 2^64 - 1 seconds");
    this.#seconds = carried;
    this.#nanoseconds = Number(BigInt(nanoseconds) % 1000000000n);
  }
  static milliseconds(count) { return new Duration([Math.floor(count / 1000), Math.round((count % 1000) * 1e6)]); }
  static seconds(count) { return Duration.milliseconds(count * 1000); }
  get seconds() { return this.#seconds; }
  get nanoseconds() { return this.#nanoseconds; }
  toMilliseconds() { return Number(this.#seconds) * 1000 + this.#nanoseconds / 1e6; }
  [PARTS]() { return ["duration", this.#seconds, this.#nanoseconds]; }
}

export class DateTime extends Date {
  #beyond = 0;
  constructor(value, nanoseconds = 0) {
    if (typeof value === "string") {
      [value, nanoseconds] = host.datetime(value);
    } else if (value instanceof DateTime) {
      nanoseconds = value.nanoseconds;
    }
    if (value === undefined) super(); else super(value);
    this.#beyond = nanoseconds;
  }
  // What a Date does not hold: the nanoseconds beyond the milliseconds.
  get nanoseconds() { return this.#beyond; }
  toISOString() {
    const text = super.toISOString();
    return this.#beyond === 0 ? text : text.slice(0, -1) + String(this.#beyond).padStart(6, "0") + "Z";
  }
  toJSON() { return this.toISOString(); }
  [PARTS]() { return ["datetime", this.getTime(), this.#beyond]; }
}

export class Uuid extends Value {
  #text;
  constructor(text) { super(); this.#text = host.uuid(String(text)); }
  static v4() { return new Uuid(host.uuidV4()); }
  static v7() { return new Uuid(host.uuidV7()); }
  toString() { return this.#text; }
  [PARTS]() { return ["uuid", this.#text]; }
}

export class Table extends Value {
  constructor(name) { super(); this.name = String(name); Object.freeze(this); }
  toString() { return this.name; }
  [PARTS]() { return ["table", this.name]; }
}

export class RecordId extends Value {
  constructor(table, id) {
    super();
    this.table = table instanceof Table ? table : new Table(table);
    this.id = id;
    Object.freeze(this);
  }
  [PARTS]() { return ["record", this.table.name, this.id]; }
}

export class FileRef extends Value {
  constructor(bucket, key) { super(); this.bucket = String(bucket); this.key = String(key); Object.freeze(this); }
  [PARTS]() { return ["file", this.bucket, this.key]; }
}

export class Regex extends Value {
  constructor(source) { super(); this.source = String(source); Object.freeze(this); }
  [PARTS]() { return ["regex", this.source]; }
}

export class BoundIncluded {
  constructor(value) { this.value = value; Object.freeze(this); }
}

export class BoundExcluded {
  constructor(value) { this.value = value; Object.freeze(this); }
}

const isBound = (value) => value instanceof BoundIncluded || value instanceof BoundExcluded;
const boundParts = (bound) => bound && [bound.value, bound instanceof BoundIncluded];

export class Range extends Value {
  // Other values than bounds are what a Rust range has: the start is included, the end is not.
  constructor(start, end) {
    super();
    this.start = start === undefined || isBound(start) ? start : new BoundIncluded(start);
    this.end = end === undefined || isBound(end) ? end : new BoundExcluded(end);
    Object.freeze(this);
  }
  [PARTS]() { return ["range", boundParts(this.start), boundParts(this.end)]; }
}

class Geometry extends Value {
  constructor(coordinates) { super(); this.coordinates = coordinates; }
  get type() { return this.constructor.type; }
  toJSON() { return { type: this.type, coordinates: this.coordinates }; }
  [PARTS]() { return ["geometry", this.type, this.coordinates]; }
}

export class GeometryPoint extends Geometry { static type = "Point"; }
export class GeometryLine extends Geometry { static type = "LineString"; }
export class GeometryPolygon extends Geometry { static type = "Polygon"; }
export class GeometryMultiPoint extends Geometry { static type = "MultiPoint"; }
export class GeometryMultiLine extends Geometry { static type = "MultiLineString"; }
export class GeometryMultiPolygon extends Geometry { static type = "MultiPolygon"; }
export class GeometryCollection extends Geometry {
  static type = "GeometryCollection";
  get geometries() { return this.coordinates; }
  toJSON() { return { type: this.type, geometries: this.coordinates }; }
}

const GEOMETRIES = new Map([
  GeometryPoint, GeometryLine, GeometryPolygon, GeometryMultiPoint, GeometryMultiLine, GeometryMultiPolygon,
  GeometryCollection,
].map((shape) => [shape.type, shape]));

const unboundParts = (parts) =>
  parts && (parts[1] ? new BoundIncluded(parts[0]) : new BoundExcluded(parts[0]));

host.make = (kind, first, second) => {
  switch (kind) {
    case "decimal": return new Decimal(first);
    case "duration": return new Duration([first, second]);
    case "datetime": return new DateTime(first, second);
    case "uuid": return new Uuid(first);
    case "table": return new Table(first);
    case "record": return new RecordId(first, second);
    case "file": return new FileRef(first, second);
    case "regex": return new Regex(first);
    case "set": return new Set(first);
    case "range": return new Range(unboundParts(first), unboundParts(second));
    case "geometry": return new (GEOMETRIES.get(first))(second);
  }
};

host.parts = (value) => {
  const parts = value[PARTS];
  if (parts !== undefined) return parts.call(value);
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return undefined;
  if (value instanceof Date) return ["datetime", value.getTime(), 0];
  if (value instanceof Set) return ["set", [...value]];
  if (value instanceof Map) return ["map", [...value]];
  if (value instanceof RegExp) {
    const flags = value.flags.replace(/[^ims]/g, "");
    return ["regex", (flags && `(?${flags})`) + value.source];
  }
  if (value instanceof ArrayBuffer) return ["bytes", new Uint8Array(value)];
  if (ArrayBuffer.isView(value)) {
    return ["bytes", new Uint8Array(value.buffer, value.byteOffset, value.byteLength)];
  }
  if (value instanceof Number || value instanceof String || value instanceof Boolean) {
    return ["plain", value.valueOf()];
  }
  if (typeof value.then === "function") {
    throw new TypeError("a promise is not a value of SurrealDB: await it");
  }
  return undefined;
};

host.define = (object, name, value) => {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
};

/** Runs a query and returns the value of its last statement. */
export const sql = (query, vars) => host.sql(String(query), vars);

/** Calls a function of the database or of another plugin. */
export const run = (name, args, version) => host.run(String(name), args, version);

const extension = (name) => (...args) => {
  const call = host["kv" + name[0].toUpperCase() + name.slice(1)];
  if (call === undefined) {
    throw new Error(
      `cannot call kv.${name} by a name that is computed: write \`kv.${name}\` in the plugin, so that the build ` +
      "sees that the plugin needs a host with it");
  }
  return call(...args);
};

export const kv = Object.freeze({
  get: (key) => host.kvGet(key),
  set: (key, value) => host.kvSet(key, value),
  del: (key) => host.kvDel(key),
  exists: (key) => host.kvExists(key),
  delRange: (range) => host.kvDelRange(range),
  getBatch: (keys) => host.kvGetBatch([...keys]),
  setBatch: (entries) => host.kvSetBatch(entries),
  delBatch: (keys) => host.kvDelBatch([...keys]),
  keys: (range) => host.kvKeys(range),
  values: (range) => host.kvValues(range),
  entries: (range) => host.kvEntries(range),
  count: (range) => host.kvCount(range),
  compareAndSet: extension("compareAndSet"),
  increment: (key, delta = 1) => extension("increment")(key, delta),
  setWithTtl: extension("setWithTtl"),
  incrementWithTtl: extension("incrementWithTtl"),
  ttl: extension("ttl"),
  setTtl: (key, ttl) => extension("setTtl")(key, ttl),
});

// How deep printed objects are shown.
const MAX_SHOWN_DEPTH = 4;

const shown = (value, depth = 0) => {
  if (typeof value === "string") return depth === 0 ? value : JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `[function ${value.name || "anonymous"}]`;
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Error) return value.stack ? `${value}\n${value.stack}`.trimEnd() : String(value);
  if (value instanceof Date) return isNaN(value) ? "Invalid Date" : value.toISOString();
  if (value[PARTS] !== undefined || value instanceof RegExp) return String(value);
  if (depth >= MAX_SHOWN_DEPTH) return "…";
  const list = (items, open, close) =>
    `${open}${[...items].map((item) => shown(item, depth + 1)).join(", ")}${close}`;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return list(value, "[", "]");
  if (value instanceof Set) return list(value, "Set {", "}");
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  const fields = entries.map(([name, field]) => `${String(name)}: ${shown(field, depth + 1)}`);
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
};

const printer = (print) => (...values) => print(values.map((value) => shown(value)).join(" "));

globalThis.print = printer(host.print);
globalThis.console = Object.freeze({
  log: globalThis.print,
  info: globalThis.print,
  debug: globalThis.print,
  warn: printer(host.printError),
  error: printer(host.printError),
});
