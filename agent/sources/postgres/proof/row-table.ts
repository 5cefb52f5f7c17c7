/** A table that holds rows of its own: an ordinary one, a partition, a parent or child of inheritance. */
export interface RowTable {
  oid: string;
  /** As the proof names it. */
  name: string;
  /** Ready to stand behind FROM: its own rows alone. */
  only: string;
  /** Likewise: those of them that a dump holds, which are all but for some tables of extensions. */
  dumped: string;
  /** In the order of their names: a restored child of another table may have them in another order. */
  columns: string[];
  /** Of its rows and what is stored beside them, as far as the server's statistics know: about so many. */
  pages: number;
}
