/** Whether a variable of this name is not to be shown. Errs on the side of masking. */
export function isSecretName(name: string): boolean {
  return /key|secret|token|pass|sas$|credential|account_id/i.test(name) && !/_FILE$/i.test(name);
}

/** What of an environment must not be shown: values under the name of a secret, and the passwords in URLs, such as a proxy's. */
export function secretsInEnvironment(environment: Record<string, string>): string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    if (isSecretName(name)) return [value];
    const password = /\/\/[^/:@\s]*:(\S*)@/.exec(value)?.[1];
    return password === undefined ? [] : [password];
  });
}
