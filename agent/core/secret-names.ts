/** Whether the value of a variable of this name is not to be shown. Errs on the side of hiding. */
export function isSecretName(name: string): boolean {
  return namesSecret(name) || (/^RCLONE_CONFIG_/i.test(name) && !PLAIN_OF_RCLONE.test(name));
}

/** What of an environment is to be masked wherever it appears: values under the name of a secret, and what is secret in URLs, such as a proxy's. */
export function secretsInEnvironment(environment: Record<string, string>): string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    // Not all that is hidden under its name: a user called backup would take that word out of every sentence.
    if (namesSecret(name)) return [value];
    const secret = secretInUrl(value);
    return secret === undefined ? [] : [secret];
  });
}

/** The password of a `//user:password@host` in it; of an `https://token@host` the token. */
export function secretInUrl(text: string): string | undefined {
  return PASSWORD.exec(text)?.[2] ?? TOKEN.exec(text)?.[2];
}

/** The text without what `secretInUrl` finds. */
export function maskUrls(text: string): string {
  return text.replace(PASSWORD, '$1***@').replace(TOKEN, '$1***@');
}

function namesSecret(name: string): boolean {
  return SECRET.test(name) && !/_FILE$/i.test(name);
}

const SECRET = /key|secret|token|pass|sas(_url)?$|auth$|connection_string|pem$|credential|account_id/i;
/** What an rclone remote is, and where. Of its hundreds of other options many are secrets by other names. */
const PLAIN_OF_RCLONE = /_(TYPE|PROVIDER|REGION|ENDPOINT|FILE)$/i;
/** To the last `@`, for a password may hold one. */
const PASSWORD = /(\/\/[^/:@\s]*:)(.*)@/;
/** Other schemes have a user there, whose name may be an ordinary word. */
const TOKEN = /(https?:\/\/)([^/:@\s]+)@/i;
