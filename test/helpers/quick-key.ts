import { createCipheriv, createDecipheriv, createHash, randomBytes, scryptSync } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface KeyFile {
  N: number;
  r: number;
  p: number;
  salt: string;
  data: string;
}

/**
 * Wraps the only key of a local repository anew, so that deriving it from the password takes no time. restic makes it take most
 * of a second, as it must, and a test that calls restic thirty times would spend half a minute on that. The rest of the repository
 * is as restic made it. The format: restic's doc/design.rst, "Keys, Encryption and MAC".
 */
export function quickKey(repository: string, password: string): void {
  const folder = join(repository, 'keys');
  const [name, ...others] = readdirSync(folder);
  if (name === undefined || others.length > 0) throw new Error(`${folder} does not hold one key`);
  const key = JSON.parse(readFileSync(join(folder, name), 'utf8')) as KeyFile;
  const sealed = Buffer.from(key.data, 'base64');
  const old = derive(password, key);
  const opening = createDecipheriv('aes-256-ctr', old.encryption, sealed.subarray(0, 16));
  const plain = Buffer.concat([opening.update(sealed.subarray(16, -16)), opening.final()]);

  const quick = { ...key, N: 2, r: 1, p: 1, salt: randomBytes(64).toString('base64') };
  const { encryption, mac } = derive(password, quick);
  const iv = randomBytes(16);
  const sealing = createCipheriv('aes-256-ctr', encryption, iv);
  const secret = Buffer.concat([sealing.update(plain), sealing.final()]);
  const tag = poly1305(secret, mac.subarray(16), encryptBlock(mac.subarray(0, 16), iv));
  const text = JSON.stringify({ ...quick, data: Buffer.concat([iv, secret, tag]).toString('base64') });
  writeFileSync(join(folder, createHash('sha256').update(text).digest('hex')), text);
  rmSync(join(folder, name));
}

function derive(password: string, { N, r, p, salt }: KeyFile): { encryption: Buffer; mac: Buffer } {
  const options = { N, r, p, maxmem: 256 * 1024 * 1024 };
  const derived = scryptSync(password, Buffer.from(salt, 'base64'), 64, options);
  return { encryption: derived.subarray(0, 32), mac: derived.subarray(32) };
}

function encryptBlock(key: Buffer, block: Buffer): Buffer {
  return createCipheriv('aes-128-ecb', key, null).setAutoPadding(false).update(block);
}

const PRIME = 2n ** 130n - 5n;
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;

function poly1305(message: Buffer, r: Buffer, s: Buffer): Buffer {
  const factor = littleEndian(r) & CLAMP;
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16) {
    const block = Buffer.concat([message.subarray(at, at + 16), Buffer.of(1)]);
    sum = ((sum + littleEndian(block)) * factor) % PRIME;
  }
  const tag = (sum + littleEndian(s)) % 2n ** 128n;
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse();
}

function littleEndian(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}
