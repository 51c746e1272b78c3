// SPDX-License-Identifier: Apache-2.0
// The fields of every message, in the order in which they stand in a frame. Writing and reading a
// message walk the same list, so they cannot disagree. A change here is a change of the protocol:
// agent and coordinator are always of the same build.
#pragma once

#include "runner/messages.h"

namespace ddl {

template <class Visitor>
void Fields(Visitor& visit, RankId& value) {
  visit(value.job.value, value.rank);
}
template <class Visitor>
void Fields(Visitor& visit, CoreShare& value) {
  visit(value.core, value.first, value.length);
}
template <class Visitor>
void Fields(Visitor& visit, GpuShare& value) {
  visit(value.uuid, value.index, value.first, value.length);
}
template <class Visitor>
void Fields(Visitor& visit, Slots& value) {
  visit(value.cores, value.gpus, value.memory_mib);
}
template <class Visitor>
void Fields(Visitor& visit, Capture& value) {
  visit(value.metric, value.pattern);
}
template <class Visitor>
void Fields(Visitor& visit, LaunchRecord& value) {
  visit(value.id, value.token, value.sweep, value.trial.value, value.trial_number, value.attempt,
        value.argv, value.env, value.hidden, value.workdir, value.params_json,
        value.checkpoint_name, value.slots, value.captures, value.timeout, value.grace,
        value.worker, value.lanes, value.setup, value.failure_patterns, value.parent_checkpoint,
        value.parent_number, value.brought_checkpoint);
}
template <class Visitor>
void Fields(Visitor& visit, ProcessIdentity& value) {
  visit(value.boot_id, value.pid, value.start_ticks);
}
template <class Visitor>
void Fields(Visitor& visit, StartRecord& value) {
  visit(value.id, value.token, value.supervisor, value.pid, value.started_unix_ms);
}
template <class Visitor>
void Fields(Visitor& visit, ExitRecord& value) {
  visit(value.id, value.token, value.cause, value.exit_code, value.signal, value.detail,
        value.ended_unix_ms, value.wall_ms, value.cpu_ms, value.peak_memory_kib, value.last_seq,
        value.log_bytes, value.log_bytes_dropped, value.metric_names, value.metric_names_refused,
        value.failure, value.failure_line);
}
template <class Visitor>
void Fields(Visitor& visit, MetricReport& value) {
  std::int64_t unused = 0;  // spools have it
  visit(value.seq, value.step, value.elapsed_ms, unused, value.values);
}
template <class Visitor>
void Fields(Visitor& visit, GpuFacts& value) {
  visit(value.index, value.uuid, value.name, value.memory_mib, value.memory_used_mib,
        value.used_by_others);
}
template <class Visitor>
void Fields(Visitor& visit, FoundRank& value) {
  visit(value.id, value.token, value.state);
}
template <class Visitor>
void Fields(Visitor& visit, HostFacts& value) {
  visit(value.hostname, value.machine_id, value.boot_id, value.folder, value.cores,
        value.memory_mib, value.gpus, value.gpu_note, value.epoch_seen, value.interpreter,
        value.tree_kill);
}

template <class Visitor>
void Fields(Visitor& visit, Hello& value) {
  visit(value.store_id, value.epoch, value.take_over, value.holder);
}
template <class Visitor>
void Fields(Visitor& visit, Launch& value) {
  visit(value.record);
}
template <class Visitor>
void Fields(Visitor& visit, Adopt& value) {
  visit(value.id, value.token, value.committed_seq, value.slots);
}
template <class Visitor>
void Fields(Visitor& visit, Order& value) {
  visit(value.id, value.kind, value.line);
}
template <class Visitor>
void Fields(Visitor& visit, Ack& value) {
  visit(value.id, value.seq, value.saved);
}
template <class Visitor>
void Fields(Visitor& visit, Settled& value) {
  visit(value.id);
}
template <class Visitor>
void Fields(Visitor& visit, Recall& value) {
  visit(value.id);
}
template <class Visitor>
void Fields(Visitor& visit, GetFile& value) {
  visit(value.request, value.path, value.offset, value.length);
}
template <class Visitor>
void Fields(Visitor& visit, PutFile& value) {
  visit(value.request, value.path, value.offset, value.bytes, value.last, value.sha256);
}
template <class Visitor>
void Fields(Visitor& visit, OfferCode& value) {
  visit(value.code, value.manifest_bytes, value.library_folders);
}
template <class Visitor>
void Fields(Visitor& visit, CodeBytes& value) {
  visit(value.bytes);
}
template <class Visitor>
void Fields(Visitor& visit, CodeNews& value) {
  visit(value.code, value.stage, value.lacking, value.begun, value.bytes, value.all_bytes,
        value.folder, value.problem);
}
template <class Visitor>
void Fields(Visitor& visit, Heartbeat& value) {
  visit(value.count);
}
template <class Visitor>
void Fields(Visitor& visit, Welcome& value) {
  visit(value.facts, value.found);
}
template <class Visitor>
void Fields(Visitor& visit, Refused& value) {
  visit(value.reason, value.epoch_seen, value.hint);
}
template <class Visitor>
void Fields(Visitor& visit, Started& value) {
  visit(value.record, value.age_ms);
}
template <class Visitor>
void Fields(Visitor& visit, SlotBusy& value) {
  visit(value.id, value.token, value.holder, value.cores, value.gpus);
}
template <class Visitor>
void Fields(Visitor& visit, Metrics& value) {
  visit(value.id, value.reports);
}
template <class Visitor>
void Fields(Visitor& visit, Exited& value) {
  visit(value.record);
}
template <class Visitor>
void Fields(Visitor& visit, FileChunk& value) {
  visit(value.request, value.offset, value.bytes, value.last, value.problem);
}
template <class Visitor>
void Fields(Visitor& visit, PutFileReply& value) {
  visit(value.request, value.have, value.done, value.problem);
}
template <class Visitor>
void Fields(Visitor& visit, Notice& value) {
  visit(value.text);
}
template <class Visitor>
void Fields(Visitor& visit, FactsChanged& value) {
  visit(value.facts);
}

}  // namespace ddl
