import { expect, test } from 'vitest';
import type { FileEntry } from '../../../agent/sources/postgres/directory/contents.ts';
import { splitForRecovery, withoutFailed } from '../../../agent/sources/postgres/tenants/recovery-split.ts';

let id = 0;
function entry(kind: string, schema: string, tag: string, ...needs: FileEntry[]): FileEntry {
  id += 1;
  const made = { definition: '', drop: '', copy: '', tablespace: '', accessMethod: '', owner: 'boss' };
  const dependencies = needs.map((other) => other.id);
  return { ...made, id, kind, schema, tag, dependencies, catalog: '0', oid: '0', hasData: false, file: null };
}

test('entries of shared and tenants’ schemas → shared first, each tenant’s own, and last what builds on several or acts on all', () => {
  const [one, two] = [entry('SCHEMA', '', 'tenant_1'), entry('SCHEMA', '', 'tenant_2')];
  const country = entry('TABLE', 'public', 'countries');
  const rows = entry('TABLE DATA', 'public', 'countries', country);
  const first = entry('TABLE', 'tenant_1', 'patients', one, country);
  const second = entry('TABLE', 'tenant_2', 'patients', two);
  const key = entry('FK CONSTRAINT', 'tenant_1', 'patients country', first, country);
  const across = entry('FK CONSTRAINT', 'tenant_1', 'patients other', first, second);
  const remark = entry('COMMENT', 'tenant_1', 'CONSTRAINT patients other', across);
  const rights = entry('ACL', '', 'SCHEMA tenant_2', two);
  const view = entry('VIEW', 'public', 'summary', first);
  const onView = entry('VIEW', 'tenant_2', 'mine', two, view);
  const trigger = entry('EVENT TRIGGER', '', 'watch');
  const defaults = entry('DEFAULT ACL', '', 'DEFAULT PRIVILEGES FOR TABLES');
  const ofTenant = entry('DEFAULT ACL', 'tenant_2', 'DEFAULT PRIVILEGES FOR TABLES', two);
  const all = [one, two, country, first, second, view, onView, rows, key, across, remark, trigger, rights];
  const split = splitForRecovery([...all, defaults, ofTenant], ['tenant_1', 'tenant_2']);
  expect(split.shared).toEqual([country, rows]);
  expect(split.tenants.get('tenant_1')).toEqual([one, first, key]);
  expect(split.tenants.get('tenant_2')).toEqual([two, second, rights]);
  expect(split.late).toEqual([view, onView, across, remark, trigger, defaults, ofTenant]);
  // What builds on what is not there cannot come.
  expect(withoutFailed(split, ['tenant_1'])).toEqual([trigger, defaults, ofTenant]);
  expect(withoutFailed(split, ['tenant_2'])).toEqual([view, trigger, defaults]);
  expect(withoutFailed(split, [])).toEqual(split.late);
});
