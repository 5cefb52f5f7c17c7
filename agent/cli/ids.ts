import { InvalidArgumentError } from 'commander';

/** Ids of tenants, with commas between them. */
export function ids(text: string): string[] {
  const list = text.split(',').map((id) => id.trim());
  if (list.includes('')) throw new InvalidArgumentError('expected ids with commas between them.');
  return list;
}
