import type { ByteFilter } from './line-rewriter.ts';

/** Replaces fixed sequences of bytes wherever they stand in a stream. None may be part of another. */
export function createByteReplacer(replacements: [from: string, to: string][]): ByteFilter {
  const pairs = replacements.map(([from, to]) => ({ from: Buffer.from(from), to: Buffer.from(to) }));
  const longest = Math.max(...pairs.map(({ from }) => from.length));
  let held: Buffer = Buffer.alloc(0);

  const work = (data: Buffer, final: boolean): Buffer[] => {
    const out: Buffer[] = [];
    let settled = 0;
    for (let hit = nextHit(data, 0); hit !== null; hit = nextHit(data, settled)) {
      out.push(data.subarray(settled, hit.at), hit.to);
      settled = hit.at + hit.length;
    }
    const end = final ? data.length : startOfPartialHit(data, Math.max(settled, data.length - longest + 1));
    out.push(data.subarray(settled, end));
    held = data.subarray(end);
    return out;
  };

  const nextHit = (data: Buffer, start: number) => {
    let first: { at: number; length: number; to: Buffer } | null = null;
    for (const { from, to } of pairs) {
      const at = data.indexOf(from, start);
      if (at !== -1 && (first === null || at < first.at)) first = { at, length: from.length, to };
    }
    return first;
  };

  const startOfPartialHit = (data: Buffer, start: number) => {
    for (let at = start; at < data.length; at += 1) {
      const rest = data.subarray(at);
      if (pairs.some(({ from }) => from.subarray(0, rest.length).equals(rest))) return at;
    }
    return data.length;
  };

  return {
    push: (chunk) => work(held.length === 0 ? chunk : Buffer.concat([held, chunk]), false),
    end: () => work(held, true),
  };
}
