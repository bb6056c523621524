/** What `entente init` knows. */
export interface SampleOptions {
  readonly name: string;
  /** `host:port` for peers. */
  readonly grpc?: string;
  /** `host:port` for the HTTP API. */
  readonly http?: string;
  /** A proxy in front of the HTTP API does TLS. */
  readonly allowPlaintext?: boolean;
}

/** The text of a working configuration: every key with its default and what it is for. */
export function sampleConfig({
  name,
  grpc = '0.0.0.0:7400',
  http = '127.0.0.1:7480',
  allowPlaintext = false,
}: SampleOptions): string {
  return `# Configuration of one Entente node.
# Paths count from this file's folder. A variable of the environment wins over a key here:
# data.memoryLimit is ENTENTE_DATA_MEMORY_LIMIT, and so on. Lists of paths are separated by commas there.

# This organisation, as its certificate and every contract name it.
name: ${JSON.stringify(name)}

# Tasks, audit log and this party's parts of models. Back it up.
dataDir: state

identity:
  # identity.key and identity.crt.
  dir: identity
  # File with the passphrase that seals the key, if it is sealed.
  # passphraseFile: identity/passphrase

listen:
  # For the peers: mutual TLS, always.
  grpc: ${JSON.stringify(grpc)}
  # For coordinators, auditors and the command line.
  http: ${JSON.stringify(http)}

# The organisations this node talks to, and no others. Exchange certificates in person and compare fingerprints.
peers: []
# peers:
#   - name: bank
#     address: node.bank.example:7400
#     certificate: peers/bank.crt
#     fingerprint: 64 hexadecimal digits, optional: checked against the certificate

data:
  # Tasks can use CSV, JSON and Parquet files in these folders, and nothing else on this machine.
  roots: [data]
  # Threads and memory for reading them.
  threads: 2
  memoryLimit: 1GB

# What other organisations may ask for. Read again whenever it changes; without a rule nothing is allowed.
policyFile: policy.yaml

# Models and predictions that this organisation receives.
resultDir: results

log:
  # trace, debug, info, warn, error, fatal or silent. Below info, names sent by peers may appear.
  level: info
  # One line of text for people instead of JSON.
  pretty: false

http:
  # token: every call needs one (\`entente token create\`). off: only while listen.http is a loopback address.
  auth: token
  # For an address that is not loopback: the interface's own certificate and key, PEM. Or let a proxy do TLS.
  # certificateFile: http.crt
  # keyFile: http.key
  allowPlaintext: ${allowPlaintext}
  # A call that waits longer for its task is answered with the task's id.
  syncTimeoutSec: 900
  bodyLimit: 1MiB
  # Calls a minute of one token; 0 for no limit.
  callsPerMinute: 600

tasks:
  # A task fails at every party when a peer stays away longer.
  peerTimeoutSec: 120
  # How long the parties have to agree on a task.
  contractLifetimeSec: 3600
  # Tasks that compute at the same time; more wait for their turn.
  concurrent: 2
  # A task that runs longer ends at every party.
  timeoutSec: 86400
  # Of one task.
  memoryLimit: 4GiB
  # Of its items in memory; more of them wait for their turn in dataDir.
  spillBytes: 512MiB

audit:
  # Whose keys may cosign the audit log over HTTP beside the peers, e.g. a regulator's. A key is a C2SP
  # verifier key: [{ name: regulator, key: 'regulator.example+HASH+KEY' }]. Changes are recorded.
  witnesses: []

psi:
  # Threads that mask keys.
  workers: 2
`;
}
