import type { Area, Fault } from './fault.ts';
import { database } from './rows/database.ts';
import { dump } from './rows/dump.ts';
import { stored } from './rows/stored.ts';
import { verification } from './rows/verification.ts';

/** Every fault that the layer injects, in the order of the page. */
export const AREAS: Area[] = [database, dump, stored, verification];

export const FAULTS: Fault[] = AREAS.flatMap(({ faults }) => faults);
