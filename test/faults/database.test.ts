import { database } from './rows/database.ts';
import { runFaults } from './run.ts';

runFaults(database);
