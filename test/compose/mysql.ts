import { Stack } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';

/** The agent beside a real MySQL with the database `shop`, filled by these statements; further files as of a stack. */
export function createMysqlStack(init: string[], files: Record<string, string>): Promise<Stack> {
  return Stack.create({
    clone: 'holdfast',
    files: {
      'compose.yml': `include:
  - holdfast/compose.holdfast.yml
services:
  db:
    image: mysql:9.7
    command: --log-bin-trust-function-creators=1
    environment: { MYSQL_DATABASE: shop, MYSQL_ROOT_PASSWORD: top-secret }
    volumes: ['./init:/docker-entrypoint-initdb.d:ro']
`,
      ...Object.fromEntries(init.map((text, at) => [`init/${at + 1}.sql`, text])),
      'holdfast/.env':
        'GATE_UPSTREAM=web:80\nRESTIC_PASSWORD=stored-elsewhere\nMYSQL_HOST=db\nMYSQL_DATABASE=shop\nMYSQL_USER=holdfast\nMYSQL_PASSWORD=secret',
      ...files,
    },
  });
}

/** Starts the server, and waits until a user can read the table that is filled last. */
export async function startMysql(stack: Stack, login: string, table: string): Promise<void> {
  await stack.sh('docker compose up -d db', 240_000);
  const ask = `docker compose exec -T db mysql -h127.0.0.1 -N ${login} shop -e "SELECT COUNT(*) FROM ${table}"`;
  await until('the rows are there', async () => (await stack.ask(ask)) !== '', 120_000);
}
