import type { ObjectProof, Proof, TableProof } from '../../agent/proof/proof.ts';

/** A table of a proof: three rows with a checksum. */
export function tableProof(name: string, more: Partial<TableProof> = {}): TableProof {
  return { name, rows: 3, checksum: '8137', sample: null, excuse: null, ...more };
}

export function objectProof(kind: string, name: string, hash = 'c0ffee'): ObjectProof {
  return { kind, name, hash };
}

/** The proof of a small shop. */
export function proofOf(more: Partial<Proof> = {}): Proof {
  return {
    version: 1,
    engine: 'postgres',
    serverVersion: '15.18',
    database: 'shop',
    takenAt: '2026-11-20T03:00:00.000Z',
    level: 'checksums',
    method: 'test-1',
    unproven: null,
    tables: [tableProof('orders'), tableProof('customers', { rows: 2, checksum: '12' })],
    counters: [{ name: 'orders_id_seq', value: '4' }],
    objects: [
      objectProof('table', 'orders'),
      objectProof('index', 'orders.orders_pkey'),
      objectProof('table', 'customers'),
      objectProof('routine', 'total'),
    ],
    ...more,
  };
}
