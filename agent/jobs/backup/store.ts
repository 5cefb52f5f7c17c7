import type { Repository } from '../../repository/repository.ts';

/** Where dumps of parts of a source go: a repository, or a folder of plain files, which takes streams alone. */
export type Store = Pick<Repository, 'location' | 'prepare' | 'remove'> &
  Partial<Pick<Repository, 'saveFolder'>>;
