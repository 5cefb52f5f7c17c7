import { HoldfastError } from '../../../core/errors.ts';

/** A swap ended while tables had lost their triggers and could be written to. Settling it makes the triggers, not what they missed. */
export class Untriggered extends Error {
  readonly #tables: string[];

  constructor(tables: string[], cause: unknown) {
    super('triggers were dropped', { cause });
    this.#tables = tables;
  }

  /** The same failure, which also tells which rows to look at. */
  toldWith(failure: HoldfastError): HoldfastError {
    if (this.#tables.length === 0) return failure;
    const tables = this.#tables.join(', ');
    const message = `${failure.message}; rows that were written to ${tables} in those seconds met no trigger`;
    const look = 'Look at those rows: what their triggers should have done was not done.';
    return new HoldfastError(failure.kind, message, {
      hint: failure.hint === undefined ? look : `${failure.hint} ${look}`,
      cause: failure.cause,
    });
  }
}
