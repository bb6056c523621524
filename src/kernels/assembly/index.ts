// The one WebAssembly module: every kernel's exports. Each loader instantiates it with a memory of its own.
export * from './ring';
export * from './bits';
export * from './elligator';
export * from './rlwe';
export * from './expand-convolute';
export * from './gf128';
export * from './hint';
export * from './okvs';
export * from './sha256';
