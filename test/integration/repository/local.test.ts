import { repositoryContract } from '../../contracts/repository.ts';
import { emptyRepository } from '../../helpers/empty-repository.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { testRepository } from '../../helpers/repository.ts';

repositoryContract('a local folder', {
  absent: async () => testRepository(temporaryFolder()).repository,
  created: async () => (await emptyRepository()).repository,
});
