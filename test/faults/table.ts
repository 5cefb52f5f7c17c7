import type { Area, Fault } from './fault.ts';
import { agent } from './rows/agent.ts';
import { database } from './rows/database.ts';
import { dump } from './rows/dump.ts';
import { repository } from './rows/repository.ts';
import { restore } from './rows/restore.ts';
import { stored } from './rows/stored.ts';
import { verification } from './rows/verification.ts';

/** Every fault that the layer injects, in the order of the page. */
export const AREAS: Area[] = [database, dump, agent, repository, stored, verification, restore];

export const FAULTS: Fault[] = AREAS.flatMap(({ faults }) => faults);
