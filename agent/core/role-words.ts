/** `role "app"`, or `roles "app", "clerk"`. */
export function told(names: string[]): string {
  return `${names.length === 1 ? 'role' : 'roles'} ${names.map((name) => `"${name}"`).join(', ')}`;
}

/** `role "app" does not exist`, or `roles "app", "clerk" do not exist`. */
export function toldAbsent(names: string[]): string {
  return `${told(names)} ${names.length === 1 ? 'does' : 'do'} not exist`;
}

/** That a dump needs them and the server has not. */
export function toldNeeded(names: string[]): string {
  return `${toldAbsent(names)}, and the dump names ${names.length === 1 ? 'it' : 'them'}`;
}
