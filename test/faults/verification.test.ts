import { verification } from './rows/verification.ts';
import { runFaults } from './run.ts';

runFaults(verification);
