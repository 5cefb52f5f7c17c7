import { mariadb } from '../helpers/engines.ts';
import { runFaults } from './run.ts';

runFaults(mariadb);
