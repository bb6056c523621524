/** Ed25519 of RFC 8032 §7.1, tests 1 to 3: secret keys, and public keys sB of what §5.1.5 makes of them. */
export const KEY_PAIRS: readonly (readonly [secret: string, point: string])[] = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
  ],
];

/** B of §5.1. */
export const BASE = '5866666666666666666666666666666666666666666666666666666666666666';

/** All points of the torsion group, the identity first. */
export const TORSION: readonly string[] = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
];

/** Not canonical: y = p .. 2^255 - 1 with either sign, and the two points of x = 0 with a sign. */
export const NOT_CANONICAL: readonly string[] = [
  ...Array.from({ length: 19 }, (_, i) =>
    ['7f', 'ff'].map((top) => `${(0xed + i).toString(16)}${'ff'.repeat(30)}${top}`),
  ).flat(),
  `01${'00'.repeat(30)}80`,
  `ec${'ff'.repeat(31)}`,
];

/** y with no x. */
export const NOT_ON_CURVE: readonly string[] = [`02${'00'.repeat(31)}`, `07${'00'.repeat(31)}`];
