import type { TestAgent } from '../helpers/agent.ts';

/** An agent of which everything is kept that its commands told, in whatever order they ended. */
export interface HeardAgent extends TestAgent {
  said(): string;
}

export function heard(agent: TestAgent): HeardAgent {
  let said = '';
  const start: TestAgent['start'] = (...args) => {
    const { child, ended } = agent.start(...args);
    const kept = async () => {
      const how = await ended;
      said += how.stderr;
      return how;
    };
    return { child, ended: kept() };
  };
  return { ...agent, start, run: (...args) => start(...args).ended, said: () => said };
}
