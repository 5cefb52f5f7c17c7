/**
 * What is stored of one tenant alone lies below the name of its database, where what is stored of the database lies beside it:
 * `/postgres/clinic/tenant_42.dump.gz`, and the same behind the beginning of a restore point.
 */
export function isTenantPath(path: string): boolean {
  return /^(?:\/restore-points\/[^/]+)?\/postgres\/[^/]+\/[^/]+$/.test(path);
}
