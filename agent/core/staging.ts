/**
 * What a folder must be called in which files are staged to be stored as one snapshot. restic keeps with a snapshot the whole path that they
 * had on the disk: up to this name it is no part of their path in the repository, and may change when the state folder moves.
 */
export const STAGING = 'holdfast-staging';
