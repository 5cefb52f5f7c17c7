import { postgres } from '../helpers/engines.ts';
import { runFaults } from './run.ts';

runFaults(postgres);
