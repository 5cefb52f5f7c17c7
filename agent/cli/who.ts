import { userInfo } from 'node:os';

/** Who decides something, for the history: the name that was given, else the user of this process. */
export function who(given: string | undefined): string {
  return given ?? userName();
}

/** A container may run as a user that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.()}`;
  }
}
