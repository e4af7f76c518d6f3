import { Check, Column, type ColumnOptions, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

/** A `timestamptz` that may be `-infinity`, which node-postgres reads as the number -Infinity. */
export type Instant = Date | number;

const columnName = (property: string | symbol): string =>
  String(property).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

type Type =
  | 'uuid'
  | 'text'
  | 'integer'
  | 'bigint'
  | 'boolean'
  | 'bytea'
  | 'jsonb'
  | 'timestamptz'
  | 'tstzrange'
  | 'tstzmultirange';

/** A column named like its property, in snake case. */
export const Field =
  (type: Type, options: ColumnOptions = {}): PropertyDecorator =>
  (target, property) => {
    Column({ name: columnName(property), type, ...options })(target, property);
  };

export const Optional = (type: Type): PropertyDecorator => Field(type, { nullable: true });

/** A column of the primary key `constraint`. */
export const Key =
  (constraint: string, type: Type = 'uuid'): PropertyDecorator =>
  (target, property) => {
    PrimaryColumn({ name: columnName(property), type, primaryKeyConstraintName: constraint })(target, property);
  };

export const now = { default: () => 'now()' };
export const never = { default: () => `'-infinity'` };

/** Column names of both sides, and what else of the constraint differs from the default. */
interface Reference {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly onDelete?: 'CASCADE';
  readonly onUpdate?: 'CASCADE';
}

/** A composite foreign key: the first column on both sides is the organization, so that nothing crosses it. */
export const References = (
  name: string,
  row: () => new () => object,
  { from, to, ...actions }: Reference,
): ClassDecorator => {
  // TypeORM types the two lists as tuples of equal length.
  type Link = (row: () => new () => object, from: string[], to: string[], options: object) => ClassDecorator;
  return (ForeignKey as unknown as Link)(row, ['organization_id', ...from], ['organization_id', ...to], {
    name,
    ...actions,
  });
};

export const Checks =
  (checks: Readonly<Record<string, string>>): ClassDecorator =>
  (target) => {
    for (const [name, expression] of Object.entries(checks)) Check(name, expression)(target);
  };

export const Together = (name: string, properties: string[]): ClassDecorator => Unique(name, properties);

/** What an exclusion constraint lets through and must not: empty, endless and closed-upper-bound ranges. */
export const halfOpen = (column: string): string => `NOT isempty(${column}) AND ${bounded(column)}`;

export const bounded = (column: string): string =>
  `lower_inc(${column}) AND NOT upper_inc(${column}) AND NOT lower_inf(${column}) AND NOT upper_inf(${column})`;
