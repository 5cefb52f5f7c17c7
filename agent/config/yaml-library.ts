import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';

/** Loaded only where there is YAML to read or to print: a daemon that its environment configures rests with 1.5 MB less. */
export function yamlLibrary(): typeof Yaml {
  return createRequire(import.meta.url)('yaml') as typeof Yaml;
}
