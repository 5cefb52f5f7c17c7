import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../sentinel/settings.ts';

describe('readSettings', () => {
  it('nothing set → the documented defaults', () => {
    expect(readSettings({ PATH: '/bin' })).toEqual({
      heartbeatPath: '/status/last_ok',
      thresholdSeconds: 93_600,
      verifyThresholdSeconds: 0,
      graceSeconds: 86_400,
      port: 8080,
      host: '0.0.0.0',
      stateFolder: '/state',
      mode: 'enforce',
    });
  });

  it('empty, as compose passes an unset variable → the default', () => {
    expect(readSettings({ SENTINEL_PORT: '', SENTINEL_MODE: '' })).toMatchObject({
      port: 8080,
      mode: 'enforce',
    });
  });

  it('everything set → taken', () => {
    const settings = readSettings({
      SENTINEL_HEARTBEAT_PATH: '/s/ok',
      SENTINEL_THRESHOLD_SECONDS: '60',
      SENTINEL_VERIFY_THRESHOLD_SECONDS: '691200',
      SENTINEL_BOOT_GRACE_SECONDS: '0',
      SENTINEL_PORT: '9000',
      SENTINEL_HOST: '127.0.0.1',
      SENTINEL_STATE_DIR: '/var/s',
      SENTINEL_MODE: 'observe',
    });
    expect(settings).toEqual({
      heartbeatPath: '/s/ok',
      thresholdSeconds: 60,
      verifyThresholdSeconds: 691_200,
      graceSeconds: 0,
      port: 9000,
      host: '127.0.0.1',
      stateFolder: '/var/s',
      mode: 'observe',
    });
  });

  it('several things wrong → all of them told, each with what was expected and what came', () => {
    const problems = readSettings({
      SENTINEL_THRESHOLD_SECONDS: '26h',
      SENTINEL_BOOT_GRACE_SECONDS: '-1',
      SENTINEL_PORT: '70000',
      SENTINEL_MODE: 'open',
      SENTINEL_TRESHOLD_SECONDS: '60',
    });
    expect(problems).toEqual([
      'SENTINEL_THRESHOLD_SECONDS: expected whole seconds, at least 1, got "26h"',
      'SENTINEL_BOOT_GRACE_SECONDS: expected whole seconds, at least 0, got "-1"',
      'SENTINEL_PORT: expected a port from 1 to 65535, got "70000"',
      'SENTINEL_MODE: expected enforce or observe, got "open"',
      expect.stringMatching(
        /^SENTINEL_TRESHOLD_SECONDS: unknown; expected one of .*SENTINEL_THRESHOLD_SECONDS/,
      ),
    ]);
  });

  it.each(['0', '1e9', '0x10', ' 60', '1.5', '99999999999'])('a threshold of "%s" → refused', (text) => {
    expect(readSettings({ SENTINEL_THRESHOLD_SECONDS: text })).toHaveLength(1);
  });
});
