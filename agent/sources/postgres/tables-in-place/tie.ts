/** What ties a table to something that stays, and goes when the table is dropped. */
export interface Tie {
  /** Makes it again. */
  statement: string;
  /** As messages name it: `public.orders in the publication cdc`. */
  what: string;
}
