import { stored } from './rows/stored.ts';
import { runFaults } from './run.ts';

runFaults(stored);
