import type { Hurdle } from '../../source.ts';
import type { MysqlGrants } from '../grants.ts';
import { quoteAccount } from '../names.ts';
import type { MysqlSession } from '../session.ts';

type Who = Pick<MysqlSession, 'account' | 'flavour'>;

/** Whether the account sees if others write, which takes PROCESS; null where it does. */
export function whyBlind({ account }: Who, grants: MysqlGrants): Hurdle | null {
  if (grants.globally('PROCESS')) return null;
  return {
    detail: `${account} may not see whether others wrote while the dump began`,
    mend: `GRANT PROCESS, RELOAD ON *.* TO ${quoteAccount(account)};`,
  };
}

/** Whether the account may hold commits still for a moment; null where it may. */
export function whyNotStill({ account, flavour }: Who, grants: MysqlGrants): Hurdle | null {
  if (grants.globally('RELOAD') || (flavour === 'mysql' && grants.globally('FLUSH_TABLES'))) return null;
  return {
    detail: `${account} may not hold commits still for a moment`,
    mend: `GRANT RELOAD ON *.* TO ${quoteAccount(account)};`,
  };
}

/** What a backup by this account lacks to be proven equal: nothing shows in a backup made while nobody wrote, and all at once in a busy night. */
export function lackForProof(who: Who, grants: MysqlGrants): Hurdle[] {
  const blind = whyBlind(who, grants);
  if (blind !== null) return [{ ...blind, detail: `a restore cannot be proven equal: ${blind.detail}` }];
  const restless = whyNotStill(who, grants);
  if (restless === null) return [];
  return [
    {
      ...restless,
      detail: `a restore cannot be proven equal when others write while the dump begins: ${restless.detail}`,
    },
  ];
}
