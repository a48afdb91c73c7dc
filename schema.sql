-- The one schema, for both engines, in PostgreSQL's SQL within the subset SQLite also runs (the SQLite driver's token
-- table lists the differences). Times are integer milliseconds since 1970; documents are JSON text; text sorts by its
-- UTF-8 bytes. `-- version N` opens the statements that take a database from version N-1 to N.

-- version 1

CREATE TABLE environments (
  id BIGINT PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL UNIQUE,
  account TEXT COLLATE "C" NOT NULL UNIQUE,
  created_at BIGINT NOT NULL
);

CREATE TABLE identities (
  id BIGINT PRIMARY KEY,
  environment_id BIGINT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
  name TEXT COLLATE "C" NOT NULL,
  canonical_id TEXT COLLATE "C" NOT NULL UNIQUE,
  UNIQUE (environment_id, name)
);

CREATE TABLE credentials (
  access_key_id TEXT COLLATE "C" PRIMARY KEY,
  environment_id BIGINT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
  identity_id BIGINT NOT NULL REFERENCES identities (id) ON DELETE CASCADE,
  secret_access_key TEXT COLLATE "C" NOT NULL,
  session_token TEXT COLLATE "C",
  expires_at BIGINT
);

CREATE TABLE buckets (
  id BIGINT PRIMARY KEY,
  environment_id BIGINT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
  name TEXT COLLATE "C" NOT NULL,
  owner_id BIGINT NOT NULL REFERENCES identities (id),
  region TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (environment_id, name)
);

-- The current version of each key. seq is the version sequence: microseconds, growing within a key. blob_id is null
-- for an empty object put whole; place repeats the blob's, which never changes, so that no statement joins for it.
-- headers: {"content-type": …}; metadata: {"name": "value"}; checksums: {"crc32": base64 …}.
-- Small bodies are in blobs and not here, and the rows lie in key order: a page of 1,000 then takes 2 ms however many
-- keys there are; with bodies here it took 4.7 ms at 200,000 random keys, 6.6 at a million (bench/micro/store-layout.ts).
CREATE TABLE objects (
  bucket_id BIGINT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  size BIGINT NOT NULL,
  blob_id BIGINT,
  place INTEGER,
  etag TEXT COLLATE "C" NOT NULL,
  modified_at BIGINT NOT NULL,
  owner_id BIGINT NOT NULL,
  storage_class TEXT COLLATE "C" NOT NULL,
  parts INTEGER NOT NULL,
  checksum_type TEXT COLLATE "C",
  checksums TEXT COLLATE "C",
  headers TEXT COLLATE "C" NOT NULL,
  metadata TEXT COLLATE "C",
  PRIMARY KEY (bucket_id, key)
) /* WITHOUT ROWID */;

-- Bytes. refs counts the objects, parts and extents that name the blob; at 0 nobody can name it any more and the
-- sweeper removes it. place: 0 inline (data), 1 in the blob store (a file, memory), 2 composed (the rows of extents).
-- Bytes do not change, but for those of an inline blob with one reference, which are overwritten with its object.
CREATE TABLE blobs (
  id BIGINT PRIMARY KEY,
  place INTEGER NOT NULL,
  size BIGINT NOT NULL,
  refs BIGINT NOT NULL,
  data BYTEA
);
CREATE INDEX blobs_unreferenced ON blobs (id) WHERE refs = 0;

-- The ordered bytes of a composed blob: [start, start + size) of it is [blob_offset, …) of blob_id, which is never
-- itself composed.
CREATE TABLE extents (
  composed_id BIGINT NOT NULL,
  start BIGINT NOT NULL,
  size BIGINT NOT NULL,
  blob_id BIGINT NOT NULL,
  blob_offset BIGINT NOT NULL,
  place INTEGER NOT NULL,
  PRIMARY KEY (composed_id, start)
) /* WITHOUT ROWID */;

-- The parts a completed upload was made of, kept with its composed blob for partNumber reads and part listings.
CREATE TABLE object_parts (
  composed_id BIGINT NOT NULL,
  number INTEGER NOT NULL,
  start BIGINT NOT NULL,
  size BIGINT NOT NULL,
  checksums TEXT COLLATE "C",
  PRIMARY KEY (composed_id, number)
) /* WITHOUT ROWID */;

CREATE TABLE uploads (
  bucket_id BIGINT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  upload_id TEXT COLLATE "C" NOT NULL,
  id BIGINT NOT NULL UNIQUE,
  initiated_at BIGINT NOT NULL,
  initiator_id BIGINT NOT NULL,
  storage_class TEXT COLLATE "C" NOT NULL,
  checksum_algorithm TEXT COLLATE "C",
  checksum_type TEXT COLLATE "C",
  headers TEXT COLLATE "C" NOT NULL,
  metadata TEXT COLLATE "C",
  PRIMARY KEY (bucket_id, key, upload_id)
) /* WITHOUT ROWID */;

CREATE TABLE parts (
  upload_row BIGINT NOT NULL,
  number INTEGER NOT NULL,
  size BIGINT NOT NULL,
  blob_id BIGINT,
  place INTEGER,
  etag TEXT COLLATE "C" NOT NULL,
  modified_at BIGINT NOT NULL,
  checksums TEXT COLLATE "C",
  PRIMARY KEY (upload_row, number)
) /* WITHOUT ROWID */;

-- Completed uploads, so that a repeated CompleteMultipartUpload answers as the first did; forgotten after a day.
CREATE TABLE completed_uploads (
  bucket_id BIGINT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  upload_id TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  etag TEXT COLLATE "C" NOT NULL,
  size BIGINT NOT NULL,
  checksum_type TEXT COLLATE "C",
  checksums TEXT COLLATE "C",
  completed_at BIGINT NOT NULL,
  PRIMARY KEY (bucket_id, key, upload_id)
) /* WITHOUT ROWID */;
CREATE INDEX completed_uploads_age ON completed_uploads (completed_at);

-- Who hands out ids. A gateway claims blocks of 4,096 blob ids and keeps changing seen_at while it lives. Once it is
-- dead the sweeper closes its blocks (swept 1: no blob of the block may be inserted any more), removes the files that
-- have no row, and then the block's row.
CREATE TABLE gateways (
  id BIGINT PRIMARY KEY,
  seen_at BIGINT NOT NULL,
  dead INTEGER NOT NULL
);
CREATE TABLE blob_blocks (
  block BIGINT PRIMARY KEY,
  gateway_id BIGINT NOT NULL,
  swept INTEGER NOT NULL
);
CREATE INDEX blob_blocks_gateway ON blob_blocks (gateway_id);
CREATE TABLE counters (
  name TEXT COLLATE "C" PRIMARY KEY,
  value BIGINT NOT NULL
);

-- version 2

-- versioning: 0 never, 1 enabled, 2 suspended. settings: all that requests for the bucket's contents must know and that
-- is not as in a new bucket: {"policy": …, "lock": …}; null is the common case. bucket_documents has the rest.
ALTER TABLE buckets ADD COLUMN versioning INTEGER NOT NULL DEFAULT 0;
ALTER TABLE buckets ADD COLUMN settings TEXT COLLATE "C";

-- versioned: 0 is the version whose id is 'null', 1 one whose id is made of seq. properties: {"tags": …, "acl": …}.
ALTER TABLE objects ADD COLUMN versioned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE objects ADD COLUMN properties TEXT COLLATE "C";
ALTER TABLE uploads ADD COLUMN properties TEXT COLLATE "C";
-- Who is going to own the object; null: whoever began the upload.
ALTER TABLE uploads ADD COLUMN owner_id BIGINT;
ALTER TABLE completed_uploads ADD COLUMN versioned INTEGER NOT NULL DEFAULT 0;

-- The versions of a key that are not its object: older ones, and delete markers. rank is -seq: the newest comes first.
-- Without a row in objects the newest of a key is a delete marker. Of all versions of a key at most one has versioned 0.
CREATE TABLE versions (
  bucket_id BIGINT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  rank BIGINT NOT NULL,
  versioned INTEGER NOT NULL,
  marker INTEGER NOT NULL,
  size BIGINT NOT NULL,
  blob_id BIGINT,
  place INTEGER,
  etag TEXT COLLATE "C" NOT NULL,
  modified_at BIGINT NOT NULL,
  owner_id BIGINT NOT NULL,
  storage_class TEXT COLLATE "C" NOT NULL,
  parts INTEGER NOT NULL,
  checksum_type TEXT COLLATE "C",
  checksums TEXT COLLATE "C",
  headers TEXT COLLATE "C" NOT NULL,
  metadata TEXT COLLATE "C",
  properties TEXT COLLATE "C",
  PRIMARY KEY (bucket_id, key, rank)
) /* WITHOUT ROWID */;
CREATE INDEX versions_null ON versions (bucket_id, key) WHERE versioned = 0;

-- Configurations of buckets that no request for their contents needs: inventories, metrics … by kind and id.
CREATE TABLE bucket_documents (
  bucket_id BIGINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  document TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (bucket_id, kind, id)
) /* WITHOUT ROWID */;

-- Of a temporary credential: the role it is a session of and the session's name, the policy that limits it.
ALTER TABLE credentials ADD COLUMN role_arn TEXT COLLATE "C";
ALTER TABLE credentials ADD COLUMN session_name TEXT COLLATE "C";
ALTER TABLE credentials ADD COLUMN session_policy TEXT COLLATE "C";
CREATE INDEX credentials_expiry ON credentials (expires_at) WHERE expires_at IS NOT NULL;
-- Queues, by the pieces of their ARN but the account, which is the environment's. The ids are of counters.
CREATE TABLE queues (
  id BIGINT PRIMARY KEY,
  environment_id BIGINT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
  region TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (environment_id, region, name)
);
-- seq: microseconds at which it was sent, growing within a process; the id, a UUID, tells apart what two processes sent
-- at once. A queue's messages lie in the order in which they were sent.
CREATE TABLE messages (
  queue_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  sent_at BIGINT NOT NULL,
  body TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (queue_id, seq, id)
) /* WITHOUT ROWID */;

-- Versions that are still to be written into another bucket, and changes of such (is_change 1). Written with the version,
-- removed with its replica's writing. rule: {"role": …, "rule": …}, as it was at that time.
CREATE TABLE replications (
  bucket_id BIGINT NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  destination TEXT COLLATE "C" NOT NULL,
  is_change INTEGER NOT NULL,
  rule TEXT COLLATE "C" NOT NULL,
  requested_at BIGINT NOT NULL,
  PRIMARY KEY (bucket_id, key, seq, destination)
) /* WITHOUT ROWID */;
