import { ABIS, argumentMeaning, cves, names } from '../../src/tables';

const every = new Set(ABIS.flatMap((abi) => names(abi)));

test('every call is one that some ABI has, every CVE is there once', () => {
  expect(cves().length).toBe(119);
  expect(new Set(cves().map(({ id }) => id)).size).toBe(cves().length);
  for (const { id, calls, source } of cves()) {
    expect(id).toMatch(/^CVE-(20\d\d)-\d{4,7}$/);
    expect(source).toMatch(/^\w/);
    expect(calls.length).toBeGreaterThan(0);
    expect(new Set(calls.map(({ name }) => name)).size).toBe(calls.length);
    for (const { name, bits } of calls) {
      expect([id, name, every.has(name)]).toEqual([id, name, true]);
      if (bits === null) continue;
      expect(bits.value & ~bits.mask).toBe(0n);
      expect(bits.value).not.toBe(0n);
      expect(argumentMeaning(name, bits.index)).not.toBeNull();
    }
  }
});

test('modes, arguments and sources are read as they are written', () => {
  const one = (id: string) => cves().find((cve) => cve.id === id);
  expect(one('CVE-2014-4699')).toEqual({
    id: 'CVE-2014-4699',
    mode: 'all_of',
    calls: [{ name: 'ptrace', bits: null }],
    source: 'SysPart kernel_cve.out',
  });
  const newuser = { index: 0, mask: 0x10000000n, value: 0x10000000n };
  expect(one('CVE-2013-1956')).toEqual({
    id: 'CVE-2013-1956',
    mode: 'any_of',
    calls: [
      { name: 'unshare', bits: null },
      { name: 'clone', bits: newuser },
      { name: 'clone3', bits: null },
    ],
    source: 'Docker security non-events',
  });
  expect(one('CVE-2017-17805')?.calls).toEqual([
    { name: 'socket', bits: { index: 0, mask: 0xffffffffn, value: 38n } },
  ]);
  expect(one('CVE-2011-1082')?.calls.map(({ name }) => name)).toEqual([
    ...['epoll_create', 'epoll_create1', 'epoll_ctl', 'epoll_wait', 'epoll_pwait'],
  ]);
  expect(cves().map(({ id }) => id)).toEqual(
    cves()
      .map(({ id }) => id)
      .sort(),
  );
});
