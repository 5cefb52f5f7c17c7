/** What a dump leaves out. */
export interface LeftOut {
  /** Tables and views. */
  names: Set<string>;
  routines: boolean;
  events: boolean;
}
