import type { Proof } from '../../proof/proof.ts';

/**
 * What a proof says of chosen tables, which are named as the dump has them: their rows, and that they are there. Their definitions may
 * name what did not come along, and what belongs to the database beside them did not.
 */
export function proofOfTables(proof: Proof, tables: string[]): Proof {
  const isChosen = calledAsOneOf(tables);
  const objects = proof.objects.filter((object) => object.kind === 'table' && isChosen(object));
  return {
    ...proof,
    tables: proof.tables.filter(isChosen),
    objects: objects.map((object) => ({ ...object, hash: '' })),
    counters: [],
  };
}

/** Those of the tables of whose rows a proof says nothing. */
export function notInProof(tables: string[], proof: Proof): string[] {
  return tables.filter((table) => !proof.tables.some(calledAsOneOf([table])));
}

function calledAsOneOf(tables: string[]): (inProof: { name: string }) => boolean {
  const wanted = new Set(tables);
  return ({ name }) => [name, `public.${name}`, withoutQuotes(name)].some((one) => wanted.has(one));
}

/** A proof quotes a part of a name in which a dot or a quote would mislead; a dump does not. */
function withoutQuotes(name: string): string {
  return name.replaceAll(/"((?:[^"]|"")*)"/g, (_, part: string) => part.replaceAll('""', '"'));
}
