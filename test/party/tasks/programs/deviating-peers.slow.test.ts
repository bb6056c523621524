import { deviatingSuite } from '../../../support/deviating-suite.ts';

deviatingSuite('programs with a peer that deviates, in every way', {
  'ecdh, one receives': { alignment: { engine: 'ecdh' }, receivers: ['orgB'] },
  'rr22, both receive': {},
  'a labelled one in buckets, the requester receives': {
    labelled: true,
    receivers: ['orgA'],
    buckets: 2,
  },
  'three parties, all receive': { parties: 3 },
  'three parties in buckets, one receives': { parties: 3, receivers: ['orgB'], buckets: 2 },
  'counted first': { alignment: { minimumIntersection: 3 } },
  'first of repeated keys': { alignment: { duplicates: 'first' }, parameters: { join: 'full' } },
  'all pairs of repeated keys': { alignment: { duplicates: 'expand' } },
  'all pairs, one receives': { alignment: { duplicates: 'expand' }, receivers: ['orgA'] },
  'messages that make correlations': { silent: true },
  'messages that make correlations of three': { silent: true, parties: 3, deviants: [0, 1] },
});
