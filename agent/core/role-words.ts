/** `role "app"`, or `roles "app", "clerk"`. */
export function told(names: string[]): string {
  return `${names.length === 1 ? 'role' : 'roles'} ${names.map((name) => `"${name}"`).join(', ')}`;
}
