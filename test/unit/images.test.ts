import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { repositoryRoot } from '../helpers/stack.ts';

const files = globSync(['{agent,sentinel,scripts/demo-app}/Dockerfile', '*compose*.yml'], {
  cwd: repositoryRoot,
});
const read = (file: string) => readFileSync(join(repositoryRoot, file), 'utf8');

describe.each(files)('%s', (file) => {
  test('built on another machine → names no architecture', () => {
    expect(read(file)).not.toMatch(/amd64|x86_64|arm64|aarch64/i);
  });

  test('images of others → each is pinned to a version', () => {
    const images = [
      ...read(file).matchAll(
        /(?:^FROM |--from=|_IMAGE=|image: (?:\$\{\w+:-)?)([\w./-]+(?::[\w.-]+)?)(?=[\s}])/gm,
      ),
    ].map(([, image = '']) => image);
    const stages = [...read(file).matchAll(/^FROM .* AS (\S+)$/gm)].map(([, stage = '']) => stage);
    const ours = (image: string) =>
      image.startsWith('holdfast-') || stages.includes(image) || image === 'scratch';
    expect(images.filter((image) => !ours(image) && !/:\d+(\.\d+)*(-[\w-]+)?$/.test(image))).toEqual([]);
  });
});

test('the Dockerfiles and compose files → were found', () => {
  expect(files.sort()).toEqual([
    'agent/Dockerfile',
    'compose.holdfast.yml',
    'docker-compose.yml',
    'scripts/demo-app/Dockerfile',
    'sentinel/Dockerfile',
  ]);
});
