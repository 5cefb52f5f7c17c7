import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Ways to break a repository in a local folder. */
export function damageOf(repository: string) {
  const files = (folder: string) =>
    readdirSync(join(repository, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted((one, other) => statSync(other).size - statSync(one).size || one.localeCompare(other));
  return {
    /** Packs, the largest first: those hold the dumps, the smallest their trees. */
    packs: () => files('data').map((path) => basename(path)),
    flip: (pack: string, at: number) => {
      const path = join(repository, 'data', pack.slice(0, 2), pack);
      const bytes = readFileSync(path);
      bytes[at] = (bytes[at] ?? 0) ^ 0xff;
      // restic writes its files read-only.
      rmSync(path);
      writeFileSync(path, bytes);
    },
    removePack: (pack: string) => rmSync(join(repository, 'data', pack.slice(0, 2), pack)),
    removeIndexes: () => {
      for (const path of files('index')) rmSync(path);
    },
    truncateIndex: () => truncateSync(files('index')[0] ?? '', 40),
    truncateSnapshot: (id: string) => truncateSync(join(repository, 'snapshots', id), 20),
  };
}
