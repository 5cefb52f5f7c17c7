/** One kind of object that information_schema lists, and the columns that make its definition. */
export interface Listing {
  kind: string;
  /** The table of information_schema. */
  from: string;
  /** Its column with the database's name. */
  schema: string;
  where?: string;
  /** Columns that name the object. Where it belongs to a table, that table's comes first. */
  name: string[];
  ofTable: boolean;
  /** Columns by which an object's several rows stand in order. */
  order: string[];
  /** What counts. Columns that a release does not have are left out. */
  fields: string[];
  /** Where the server has this column, another listing does better. */
  unless?: string;
}

const TABLE = { schema: 'table_schema', ofTable: true, order: [] };
const NO_VIEW = "table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')";

/** A foreign key's rules and columns stand in two listings, and so do a check and whether it is enforced. */
export const LISTINGS: Listing[] = [
  {
    kind: 'database',
    from: 'schemata',
    schema: 'schema_name',
    ofTable: false,
    name: ['catalog_name'],
    order: [],
    fields: ['default_character_set_name', 'default_collation_name'],
  },
  {
    ...TABLE,
    kind: 'table',
    from: 'tables',
    where: NO_VIEW,
    name: ['table_name'],
    fields: ['table_type', 'engine', 'table_collation', 'create_options', 'table_comment'],
  },
  {
    ...TABLE,
    kind: 'column',
    from: 'columns',
    name: ['table_name', 'column_name'],
    fields: [
      'ordinal_position',
      'column_type',
      'is_nullable',
      'column_default',
      'character_set_name',
      'collation_name',
      'extra',
      'column_comment',
      'generation_expression',
      'srs_id',
    ],
  },
  {
    ...TABLE,
    kind: 'index',
    from: 'statistics',
    name: ['table_name', 'index_name'],
    order: ['seq_in_index'],
    fields: [
      'non_unique',
      'column_name',
      'collation',
      'sub_part',
      'index_type',
      'index_comment',
      'is_visible',
      'ignored',
      'expression',
    ],
  },
  {
    ...TABLE,
    kind: 'constraint',
    from: 'referential_constraints',
    schema: 'constraint_schema',
    name: ['table_name', 'constraint_name'],
    fields: [
      'update_rule',
      'delete_rule',
      'match_option',
      'unique_constraint_schema',
      'referenced_table_name',
    ],
  },
  {
    ...TABLE,
    kind: 'constraint',
    from: 'key_column_usage',
    where: 'referenced_table_name IS NOT NULL',
    name: ['table_name', 'constraint_name'],
    order: ['ordinal_position'],
    fields: ['column_name', 'referenced_column_name'],
  },
  // MariaDB names a check's table, MySQL does not: there the name is the database's only one.
  {
    ...TABLE,
    kind: 'constraint',
    from: 'check_constraints',
    schema: 'constraint_schema',
    name: ['table_name', 'constraint_name'],
    fields: ['level', 'check_clause'],
  },
  {
    ...TABLE,
    kind: 'constraint',
    from: 'table_constraints',
    where: "constraint_type = 'CHECK'",
    name: ['table_name', 'constraint_name'],
    fields: ['enforced'],
  },
  {
    kind: 'check',
    from: 'check_constraints',
    schema: 'constraint_schema',
    ofTable: false,
    name: ['constraint_name'],
    order: [],
    fields: ['check_clause'],
    unless: 'table_name',
  },
  {
    ...TABLE,
    kind: 'partition',
    from: 'partitions',
    where: 'partition_name IS NOT NULL',
    name: ['table_name'],
    order: ['partition_ordinal_position', 'subpartition_ordinal_position'],
    fields: [
      'partition_name',
      'subpartition_name',
      'partition_method',
      'subpartition_method',
      'partition_expression',
      'subpartition_expression',
      'partition_description',
      'partition_comment',
    ],
  },
];
