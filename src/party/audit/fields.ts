/** Fields that entries of several kinds have. */
import Type from 'typebox';
import { Hex32, PartyName } from '../consensus/schema.ts';

export const exactly = { additionalProperties: false } as const;

export const oneOf = <T extends string[]>(...names: T): Type.TEnum<T> => Type.Enum<T>(names);

export const nullOr = <T extends Type.TSchema>(schema: T): Type.TUnion<[Type.TNull, T]> =>
  Type.Union([Type.Null(), schema]);

export const Count: Type.TInteger = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** Attempts are counted from 1. */
export const Attempt: Type.TInteger = Type.Integer({ minimum: 1, maximum: 0xffff_ffff });

/** An Ed25519 signature: 64 bytes, lower-case hex. */
export const Signature: Type.TString = Type.String({ pattern: '^[0-9a-f]{128}$' });

/** A code of this program: `NOT_DECLARED`, `refused_by_policy`, `dataset/missing_column`. */
export const Code: Type.TString = Type.String({
  pattern: '^[A-Za-z][A-Za-z0-9_]*(?:/[a-z0-9_]+)?$',
  maxLength: 64,
});

/** A word of this program: names of classes, algorithms, phases. */
export const Word: Type.TString = Type.String({ pattern: '^[a-z][a-z0-9_]{0,63}$' });

/** Frames of one direction of a session: how many, their payload bytes, their running hash. */
export const Direction = Type.Object({ frames: Count, bytes: Count, hash: Hex32 }, exactly);

/**
 * Who did something at this node: the holder of a token over HTTP (`id` is the token's, or
 * `anonymous`), a command on this machine, or the node by itself.
 */
export const Actor = Type.Object(
  {
    via: oneOf('http', 'command', 'node'),
    id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
  },
  exactly,
);

/** What a party signed: exactly the fields of `body`, and the signature of their canonical bytes. */
export const signed = <T extends Type.TSchema>(
  body: T,
): Type.TObject<{ body: T; signature: Type.TString }> =>
  Type.Object({ body, signature: Signature }, exactly);

/** A party's word that a key is its log's: `LogKeyCertificate`. */
export const LogKeyCertificateSchema = Type.Object(
  { name: PartyName, publicKey: Hex32, signature: Signature },
  exactly,
);

export { Hex32, PartyName };
