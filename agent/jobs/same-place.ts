import { HoldfastError } from '../core/errors.ts';
import type { Notes } from './init.ts';

/** A source, and the database that it is. */
export interface Placed {
  name: string;
  type: string;
  host: string;
  port: number;
  database: string;
}

/** From now on these are the daemon's: what is stored under their names counts as a backup of what is there. */
export function rememberPlaces(sources: Placed[], notes: Notes): void {
  const places = JSON.stringify(Object.fromEntries(sources.map((source) => [source.name, placeOf(source)])));
  if (notes.recall(PLACES) !== places) notes.remember(PLACES, places);
}

/** Their names; none where no daemon ever ran. */
export function namesOfPlaces(notes: Pick<Notes, 'recall'>): string[] {
  return Object.keys(recallPlaces(notes));
}

/**
 * Throws `configuration` where one of these has a name of the daemon's and is another database: its backup would count as one of the daemon's,
 * and keep the gate open for a database that nobody backs up. Where no daemon ever ran, there is nothing to be taken for.
 */
export function requireSamePlace(sources: Placed[], notes: Pick<Notes, 'recall'>): void {
  const places = recallPlaces(notes);
  for (const source of sources) {
    const theirs = places[source.name];
    if (theirs === undefined || theirs === placeOf(source)) continue;
    throw new HoldfastError(
      'configuration',
      `${source.name} is ${placeOf(source)} here, and the daemon's ${source.name} is ${theirs}: what is stored under its name would count as its backup`,
      {
        hint: 'Name this one otherwise (`name` in a file of sources), or give it a HOLDFAST_STATE_DIR of its own. After a change of the configuration, restart the agent first.',
      },
    );
  }
}

const PLACES = 'places of the sources of the daemon';

function recallPlaces(notes: Pick<Notes, 'recall'>): Record<string, string> {
  return JSON.parse(notes.recall(PLACES) ?? '{}') as Record<string, string>;
}

function placeOf({ type, host, port, database }: Placed): string {
  return `${type}://${LOOPBACK.has(host) ? 'localhost' : host}:${port}/${database}`;
}

const LOOPBACK = new Set(['127.0.0.1', '::1']);
