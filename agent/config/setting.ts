import type { Path } from './problems.ts';

/** One setting as the reference tells it: the variable of the environment form, its place in the file, what it means. */
export interface Setting {
  /** Null where only the file has it. */
  variable: string | null;
  path: Path;
  meaning: string;
  /** How the text of the variable becomes the value of the file; as it is, without. */
  form?: 'number' | 'list';
  /** May hold a secret: exists as NAME_FILE and `…_file` too, and is never shown. */
  secret?: true;
}
