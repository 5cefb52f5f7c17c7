import { groupBy, sameList } from './grouped.ts';
import type { ObjectProof, Proof } from './proof.ts';
import { writeAlike } from './release.ts';

export interface ObjectDifference {
  kind: 'object_missing' | 'object_extra' | 'object_changed';
  object: string;
  name: string;
}

/** What the objects of two proofs say of each other. */
export interface ObjectFindings {
  differences: ObjectDifference[];
  /**
   * Defined in other words, which two releases may use for the same thing, or told by one of MySQL and MariaDB alone: kind and name.
   */
  unlike: string[];
  /** Extensions that came back in another version, as sentence parts: a server installs the one that it has. */
  otherVersions: string[];
}

/**
 * By kind and name; where several share both (overloaded routines), their definitions are compared as a set. What is missing or too much
 * is a difference whatever the servers are; between MySQL and MariaDB only of the kinds that both tell alike, and of the others it is unlike.
 */
export function compareObjects(expected: Proof, found: Proof): ObjectFindings {
  const key = (object: { kind: string; name: string }) => JSON.stringify([object.kind, object.name]);
  const [was, is] = [groupBy(expected.objects, key), groupBy(found.objects, key)];
  const findings: ObjectFindings = { differences: [], unlike: [], otherVersions: [] };
  const isOtherFlavour = expected.engine !== found.engine;
  const isAlike = writeAlike(expected, found);
  for (const one of new Set([...was.keys(), ...is.keys()])) {
    const [object = '', name = ''] = JSON.parse(one) as string[];
    const [before, after] = [was.get(one) ?? [], is.get(one) ?? []];
    if (before.length !== after.length) {
      const kind = after.length < before.length ? 'object_missing' : 'object_extra';
      if (!isOtherFlavour || TOLD_ALIKE.has(object)) findings.differences.push({ kind, object, name });
      else findings.unlike.push(`${object} ${name}`);
      continue;
    }
    const version = otherVersion(before, after);
    if (version !== null) findings.otherVersions.push(version);
    if (sameList(before.map(hashOf), after.map(hashOf)) || (version !== null && isFused(before))) continue;
    if (isAlike) findings.differences.push({ kind: 'object_changed', object, name });
    else findings.unlike.push(`${object} ${name}`);
  }
  return findings;
}

/** What MySQL and MariaDB call by the same names. Checks, for one, have a table in the one and none in the other. */
const TOLD_ALIKE = new Set(['database', 'table', 'column', 'index', 'view', 'routine', 'trigger', 'event']);

function hashOf({ hash }: ObjectProof): string {
  return hash;
}

/** Null for what is no extension, and for the same version. */
function otherVersion([before]: ObjectProof[], [after]: ObjectProof[]): string | null {
  if (before?.kind !== 'extension' || after === undefined) return null;
  const has = `extension ${before.name} ${after.version === undefined ? 'is there' : `has version ${after.version}`}`;
  if (before.version === undefined)
    return before.hash === after.hash ? null : `${has}, and is not as the source had it`;
  return before.version === after.version ? null : `${has}, and the source had ${before.version}`;
}

/** Of a proof in which the version was a part of the definition: nobody can tell which of the two differs. */
function isFused([before]: ObjectProof[]): boolean {
  return before?.version === undefined;
}
