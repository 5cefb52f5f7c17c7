import type { Proof } from '../../agent/proof/proof.ts';

/** What a person would say of two proofs, one line for each thing that is not the same. */
export function differences(expected: Proof, found: Proof): string[] {
  const said: string[] = expected.method === found.method ? [] : ['method'];
  const pairs = pairUp(expected.tables, found.tables, ({ name }) => name);
  for (const [name, one, other] of pairs) {
    if (one === undefined || other === undefined) said.push(`table ${name}`);
    else if (one.rows !== other.rows) said.push(`rows ${name}`);
    else if (one.checksum !== other.checksum) said.push(`checksum ${name}`);
  }
  for (const [name, one, other] of pairUp(expected.counters, found.counters, (counter) => counter.name)) {
    if (one === undefined || other === undefined) said.push(`counter ${name}`);
    else if (!lies(BigInt(other.value), BigInt(one.value), BigInt(one.until ?? one.value)))
      said.push(`counter ${name}`);
  }
  const identity = ({ kind, name }: { kind: string; name: string }) => `${kind} ${name}`;
  for (const [name, one, other] of pairUp(expected.objects, found.objects, identity)) {
    if (one === undefined) said.push(`extra ${name}`);
    else if (other === undefined) said.push(`missing ${name}`);
    else if (one.hash !== other.hash) said.push(`changed ${name}`);
  }
  return said;
}

function lies(value: bigint, one: bigint, other: bigint): boolean {
  return one < other ? value >= one && value <= other : value >= other && value <= one;
}

function pairUp<T>(
  ones: T[],
  others: T[],
  nameOf: (thing: T) => string,
): [string, T | undefined, T | undefined][] {
  const names = new Set([...ones, ...others].map(nameOf));
  if (names.size < ones.length || names.size < others.length) throw new Error('two things have one name');
  const find = (things: T[], name: string) => things.find((thing) => nameOf(thing) === name);
  return [...names].map((name) => [name, find(ones, name), find(others, name)]);
}
