import { HoldfastError } from '../core/errors.ts';
import type { GapName } from '../core/glossary.ts';
import type { Probe } from './source.ts';

/** The gaps of a probe that the configuration allows by name. Any other refuses the dump before its first byte. */
export function acceptGaps(config: { name: string; allowIncomplete: GapName[] }, probe: Probe): Set<GapName> {
  const refused = probe.gaps.find((gap) => !config.allowIncomplete.includes(gap.name));
  if (refused !== undefined) {
    throw refused.name === 'empty'
      ? new HoldfastError('source_empty', refused.detail, {
          hint: `If that is right, put "empty" into allow_incomplete of source ${config.name}.`,
        })
      : new HoldfastError('rights_missing', refused.detail, {
          hint: `Run as an administrator of the server: ${refused.mend}`,
        });
  }
  return new Set(probe.gaps.map((gap) => gap.name));
}
