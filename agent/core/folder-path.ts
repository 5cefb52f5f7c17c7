/** How the path of a dump ends that is a folder of files: `/postgres/clinic.dir`. */
export const FOLDER_SUFFIX = '.dir';

/** Whether a snapshot holds a folder of files. */
export function isFolderPath(path: string): boolean {
  return path.endsWith(FOLDER_SUFFIX);
}
