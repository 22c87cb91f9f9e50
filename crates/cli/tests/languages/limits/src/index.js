/** Functions that do not end well. */
export function spin() {
  while (true) {}
}

export function expression() {
  return /^(a+)+$/.test("a".repeat(64) + "b");
}

export async function chain() {
  while (true) await null;
}

export function fill() {
  const all = [];
  while (true) all.push(new Uint8Array(1 << 20).fill(1));
}

/** @returns {number} */
export function recurse() {
  return 1 + recurse();
}

export function pending() {
  return new Promise(() => {});
}

export function cyclic() {
  const a = {};
  a.a = a;
  return a;
}

export function deep() {
  let a = {};
  for (let i = 0; i < 100_000; i++) a = { a };
  return a;
}

export function evaluate(/** @type {string} */ code) {
  return eval(code);
}

export function pollute() {
  Object.prototype.polluted = "yes";
  Array.prototype.push = () => { throw new Error("polluted"); };
  Object.defineProperty(Object.prototype, "then", { get() { throw new Error("then"); }, configurable: true });
}

export function isPolluted() {
  return {}.polluted === "yes";
}

/** @param {any} x */
export function echo(x) {
  return x;
}
