// SPDX-License-Identifier: Apache-2.0
// Checkpoints on their way between hosts: what the product's courier and its desk of code do, slow
// and at times in vain. Copies on the coordinator's machine outlive it.
#include <algorithm>

#include <fmt/format.h>

#include "tests/simulation/loop.h"

namespace ddl::simulation {

namespace {

constexpr Time kSlowest = std::chrono::seconds(20);

}  // namespace

void Loop::Act(const FetchCheckpoint& fetch) {
  const Time delay = around_.dice.Spread(std::chrono::milliseconds(1), kSlowest);
  around_.agenda.After(delay, [this, fetch] {
    if (!IsAlive()) return;
    CheckpointFetched answer{
        .sweep = fetch.sweep, .number = fetch.number, .attempt = fetch.attempt};
    const std::string copy = fmt::format("copy-{}.{}", fetch.trial.value, fetch.attempt);
    std::map<std::string, std::string>& copies = outside_.Copies();
    const auto& hosts = around_.scenario.hosts;
    const auto host = std::ranges::find(hosts, fetch.host, &HostPlan::name);
    CheckpointFiles* const files = outside_.FilesOf(static_cast<int>(host - hosts.begin()));
    const bool may_fetch = fetch.is_there && files != nullptr && !around_.Strikes(Fault::kLinkCut);
    if (!copies.contains(copy) && may_fetch) {
      const std::string content = files->Of(fmt::format("trial-{}", fetch.trial.value));
      answer.is_missing = content.empty();
      if (!content.empty()) copies[copy] = content;
    }
    if (copies.contains(copy)) {
      answer.code = copy;
    } else if (!answer.is_missing) {
      answer.problem = "the host does not answer";
    }
    Tell(answer);
  });
}

void Loop::Act(const OfferCheckpoint& offer) {
  offered_.insert({offer.host, offer.code});
  Deliver(offer.host, offer.code);
}

void Loop::Act(const DropCheckpoint& drop) {
  std::erase_if(offered_, [&drop](const auto& offer) { return offer.second == drop.code; });
}

// What a cut stops is offered again on the next link.
void Loop::Deliver(int host, const std::string& code) {
  const Time delay = around_.dice.Spread(std::chrono::milliseconds(1), kSlowest);
  around_.agenda.After(delay, [this, host, code, connection = links_.at(host).connection] {
    if (!IsAlive() || !offered_.contains({host, code})) return;
    const LinkState& link = links_.at(host);
    CheckpointFiles* const files = outside_.FilesOf(host);
    if (link.used != connection || link.connection != connection || files == nullptr) return;
    const std::string folder = "/brought/" + code;
    files->brought[folder] = outside_.Copies().at(code);
    Tell(CodeReady{host, code, folder});
  });
}

void Loop::OfferAgain(int host) {
  for (const auto& [to, code] : std::set(offered_)) {
    if (to == host) Deliver(to, code);
  }
}

}  // namespace ddl::simulation
