import { dump } from './rows/dump.ts';
import { runFaults } from './run.ts';

runFaults(dump);
