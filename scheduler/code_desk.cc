// SPDX-License-Identifier: Apache-2.0
#include "scheduler/code_desk.h"

#include <fmt/format.h>

#include "runner/code_tree.h"

namespace ddl {

namespace {

using std::chrono::nanoseconds;

constexpr int kThisMachine = 0;  // the link that a coordinator makes first
constexpr nanoseconds kOfferAgainAfter = std::chrono::seconds(30);

std::string Mebibytes(std::uint64_t bytes) {
  return fmt::format("{:.1f}", static_cast<double>(bytes) / (1U << 20U));
}

}  // namespace

void CodeDesk::Want(int host, const std::string& code, std::vector<std::string> library_folders) {
  if (!code.empty()) hosts_[host].wanted[code] = std::move(library_folders);
}

void CodeDesk::WantCheckpoint(int host, const std::string& code) {
  Want(host, code);
  checkpoints_.insert(code);
}

void CodeDesk::Drop(const std::string& code) {
  checkpoints_.erase(code);
  for (auto& [number, host] : hosts_) {
    host.wanted.erase(code);
    host.settled.erase(code);
    host.refused.erase(code);
    host.told.erase(code);
  }
}

void CodeDesk::Up(int host) {
  Host& known = hosts_[host];
  known.is_up = true;
  known.settled.clear();
  known.refused.clear();
  known.offered.clear();
}

void CodeDesk::Down(int host) {
  hosts_[host].is_up = false;
}

CodeDesk::Heard CodeDesk::On(int number, const std::string& name, const CodeNews& news,
                             nanoseconds now) {
  Host& host = hosts_[number];
  if (host.offered != news.code) return {};
  if (news.stage == CodeStage::kReady) {
    host.settled.insert(news.code);
    host.told.erase(news.code);
    host.offered.clear();
    return {CodeReady{number, news.code, news.folder}, {}};
  }
  if (news.stage == CodeStage::kRefused) {
    host.settled.insert(news.code);
    host.refused[news.code] = now + kOfferAgainAfter;
    host.offered.clear();
    const bool is_news = std::exchange(host.told[news.code], news.problem) != news.problem;
    const std::string why = fmt::format("does not take it: {}", news.problem);
    const char* const what = checkpoints_.contains(news.code) ? "a checkpoint" : "the code";
    return {CodeAwaited{number, news.code, " " + why, true},
            is_news ? fmt::format("host {}: {}: {}", name, what, why) : std::string()};
  }
  if (news.stage == CodeStage::kManifest) return {};
  std::string say;
  const bool is_code = !checkpoints_.contains(news.code);
  if (news.stage == CodeStage::kLibraries) {
    say = fmt::format("host {} has none of CUDA's libraries that fit ({}): sending {} MiB, once",
                      name, news.problem, Mebibytes(news.all_bytes - news.bytes));
  } else if (news.stage == CodeStage::kFiles && is_code && !host.said_sending) {
    host.said_sending = true;
    say = fmt::format("host {}: sending the code: {} MiB in {} files", name,
                      Mebibytes(news.all_bytes - news.bytes), news.lacking.size());
  }
  return {CodeAwaited{
              number, news.code,
              fmt::format(" has {} of {} MiB", Mebibytes(news.bytes), Mebibytes(news.all_bytes))},
          std::move(say)};
}

CodeDesk::Due CodeDesk::Keep(nanoseconds now) {
  Due due;
  for (auto& [number, host] : hosts_) {
    if (!host.is_up) continue;
    if (number == kThisMachine) {
      for (const auto& [code, folders] : host.wanted) {
        if (!host.settled.insert(code).second) continue;
        due.ready.push_back({number, code, CodeTree::FolderOfTree(code_folder_, code)});
      }
    } else if (host.offered.empty()) {
      if (auto offer = NextOffer(host, now)) due.offers.emplace_back(number, *std::move(offer));
    }
  }
  return due;
}

std::optional<OfferCode> CodeDesk::NextOffer(Host& host, nanoseconds now) const {
  for (const auto& [code, folders] : host.wanted) {
    const auto refused = host.refused.find(code);
    const bool again = refused != host.refused.end() && refused->second <= now;
    if (!again && host.settled.contains(code)) continue;
    host.refused.erase(code);
    host.settled.erase(code);
    host.offered = code;
    host.said_sending = false;
    return OfferCode{code, CodeTree::ManifestBytes(code_folder_, code), folders};
  }
  return std::nullopt;
}

}  // namespace ddl
