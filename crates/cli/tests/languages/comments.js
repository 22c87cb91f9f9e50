/**
 * @param {string} a
 * @param {number[]} b - with a description
 * @param {string=} c
 * @param {?boolean} d
 * @param {*} e
 * @param {{ name: string, age?: number }} [f]
 * @param {import("surrealism").Int} [g=1] not understood in JavaScript
 * @returns {Promise<"x" | "y">}
 */
export async function f(a, b, c, d, e, f) {}

export function g(a, b = 1, c = "x") {}
