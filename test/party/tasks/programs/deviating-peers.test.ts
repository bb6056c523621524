import { deviatingSuite } from '../../../support/deviating-suite.ts';

deviatingSuite('programs with a peer that deviates', {
  'ecdh, both receive': { alignment: { engine: 'ecdh' } },
  'rr22 in buckets, one receives': { receivers: ['orgB'], buckets: 2 },
  'a labelled one, both receive': { labelled: true },
  'three parties, all receive': {
    parties: 3,
    deviants: [0, 1],
    ways: ['short', 'huge', 'noise', 'more', 'most', 'undecodable', 'stop'],
  },
  'counted first': {
    alignment: { engine: 'ecdh', minimumIntersection: 3 },
    ways: ['long', 'empty', 'fewer', 'most', 'another', 'twice'],
  },
  'all pairs of repeated keys': {
    alignment: { engine: 'ecdh', duplicates: 'expand' },
    ways: ['short', 'long', 'empty', 'noise', 'undecodable', 'later'],
  },
});
