// SPDX-License-Identifier: Apache-2.0
// What a coordinator and an agent say to each other. Encoded in frames (runner/frames.h).
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "configs/ids.h"
#include "runner/launch.h"

namespace ddl {

// ---- coordinator → agent -------------------------------------------------------------------

// First word on every link. Hosts refuse an epoch lower than the highest they have seen, and a
// store of the same id in another folder (a copy) while the one they know is still there;
// `take_over` ends both refusals.
struct Hello {
  std::string store_id;
  std::uint64_t epoch = 0;
  bool take_over = false;
  std::string holder;  // "HOST:FOLDER" of the database
  bool operator==(const Hello&) const = default;
};

struct Launch {
  LaunchRecord record;
};

// Go on with a rank found on the host: tell its start and exit, and metrics after `committed_seq`.
// Launches for `slots` wait for its end.
struct Adopt {
  RankId id;
  std::string token;
  std::int64_t committed_seq = 0;
  Slots slots;
  bool operator==(const Adopt&) const = default;
};

enum class OrderKind : std::uint8_t {
  kStop,     // TERM, grace, KILL, to the whole tree
  kKill,     // KILL at once
  kControl,  // `line` goes to the trial's DDL_CONTROL
};

struct Order {
  RankId id;
  OrderKind kind = OrderKind::kStop;
  std::string line;
  bool operator==(const Order&) const = default;
};

// Metrics up to `seq` are in the database (committed) or in a verified backup too (saved: the
// spool may go).
struct Ack {
  RankId id;
  std::int64_t seq = 0;
  bool saved = false;
  bool operator==(const Ack&) const = default;
};

// The exit record is committed: the agent may forget the rank and tidy its folder in idle time.
struct Settled {
  RankId id;
  bool operator==(const Settled&) const = default;
};

// A launch that waits there behind another rank is not to start after all. One that has begun
// stays.
struct Recall {
  RankId id;
  bool operator==(const Recall&) const = default;
};

struct GetFile {
  std::uint64_t request = 0;
  std::string path;  // below the host folder
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  bool operator==(const GetFile&) const = default;
};

// A piece of a file for the host; the last one carries the SHA-256 of the whole, which is checked
// before the file gets its name. Sending again from `PutFileReply.have` resumes.
struct PutFile {
  std::uint64_t request = 0;
  std::string path;  // below the host folder
  std::uint64_t offset = 0;
  std::string bytes;
  bool last = false;
  std::string sha256;
  bool operator==(const PutFile&) const = default;
};

// Is this snapshot of a workdir on the host? Answered by CodeNews, and ends an earlier offer.
struct OfferCode {
  std::string code;
  std::uint64_t manifest_bytes = 0;
  std::vector<std::string>
      library_folders{};  // where the host may have libraries, to look in first
  bool operator==(const OfferCode&) const = default;
};

// What the host asked for of the offer: its manifest, then the files that it lacks, one behind the
// other in the manifest's order.
struct CodeBytes {
  std::string bytes;
  bool operator==(const CodeBytes&) const = default;
};

struct Heartbeat {
  std::uint64_t count = 0;
  bool operator==(const Heartbeat&) const = default;
};

using ToHost = std::variant<Hello, Launch, Adopt, Order, Ack, Settled, GetFile, PutFile, Heartbeat,
                            OfferCode, CodeBytes, Recall>;

// ---- agent → coordinator -------------------------------------------------------------------

struct GpuFacts {
  int index = 0;
  std::string uuid;
  std::string name;
  std::int64_t memory_mib = 0;
  std::int64_t memory_used_mib = 0;
  bool used_by_others = false;  // a process outside ddl has it open
  bool operator==(const GpuFacts&) const = default;
};

enum class FoundState : std::uint8_t { kAlive, kExited, kLost };

// A job folder that was on the host before this link.
struct FoundRank {
  RankId id;
  std::string token;
  FoundState state = FoundState::kLost;
  bool operator==(const FoundRank&) const = default;
};

struct HostFacts {
  std::string hostname;
  std::string machine_id;
  std::string boot_id;
  std::string folder;           // where job folders of this store lie
  std::vector<int> cores;       // that this user may run on
  std::int64_t memory_mib = 0;  // of the host
  std::vector<GpuFacts> gpus;
  std::string gpu_note;  // why there are none, or ""
  std::uint64_t epoch_seen = 0;
  std::string interpreter;  // "python", "python3" or ""
  std::string tree_kill;    // "cgroup" or "session": how a tree is held together here
  bool operator==(const HostFacts&) const = default;
};

struct Welcome {
  HostFacts facts;
  std::vector<FoundRank> found;
  bool operator==(const Welcome&) const = default;
};

struct Refused {
  std::string reason;
  std::uint64_t epoch_seen = 0;
  std::string hint;  // what the user can do; "": nothing on this machine
  bool operator==(const Refused&) const = default;
};

struct Started {
  StartRecord record;
  std::int64_t age_ms = 0;  // so long ago, by a clock that nobody sets
  bool operator==(const Started&) const = default;
};

// Somebody else holds a lease the launch needs; nothing was started, the folder is gone.
struct SlotBusy {
  RankId id;
  std::string token;
  std::string holder;  // "core 3: ddl sweep of user ann (pid 4711)"
  std::vector<CoreShare> cores;
  std::vector<GpuShare> gpus;
  bool operator==(const SlotBusy&) const = default;
};

struct Metrics {
  RankId id;
  std::vector<MetricReport> reports;  // consecutive seqs
  bool operator==(const Metrics&) const = default;
};

// `cause` kSupervisorLost and kHostRebooted come from the agent; all others from exit.json.
struct Exited {
  ExitRecord record;
  bool operator==(const Exited&) const = default;
};

struct FileChunk {
  std::uint64_t request = 0;
  std::uint64_t offset = 0;
  std::string bytes;
  bool last = false;
  std::string problem;  // not empty: the request failed
  bool operator==(const FileChunk&) const = default;
};

struct PutFileReply {
  std::uint64_t request = 0;
  std::uint64_t have = 0;  // bytes that are on the host
  bool done = false;
  std::string problem;
  bool operator==(const PutFileReply&) const = default;
};

// Something worth a line on the user's screen.
struct Notice {
  std::string text;
  bool operator==(const Notice&) const = default;
};

// The host's devices are others than those told last.
struct FactsChanged {
  HostFacts facts;
  bool operator==(const FactsChanged&) const = default;
};

enum class CodeStage : std::uint8_t {
  kManifest,   // the host wants the manifest
  kFiles,      // the host wants the files `lacking`, the first of them from byte `begun` on
  kLibraries,  // it has all else, and wants these: `problem` says why none of its own will do
  kMoving,     // `bytes` of what was sent have arrived
  kReady,      // the files are in `folder`
  kRefused,    // `problem` says why
};

// How far a host is with the snapshot that was offered last.
struct CodeNews {
  std::string code;
  CodeStage stage = CodeStage::kRefused;
  std::vector<std::uint32_t> lacking;  // positions in the manifest
  std::uint64_t begun = 0;
  std::uint64_t bytes = 0;
  std::uint64_t all_bytes = 0;  // that the host wanted
  std::string folder;
  std::string problem;
  bool operator==(const CodeNews&) const = default;
};

using FromHost = std::variant<Welcome, Refused, Started, SlotBusy, Metrics, Exited, FileChunk,
                              PutFileReply, Notice, Heartbeat, FactsChanged, CodeNews>;

}  // namespace ddl
