/**
 * Whether two secrets are equal, in time that depends only on their length.
 *
 * @returns false at once for different lengths: lengths are not secret anywhere this is used.
 */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
