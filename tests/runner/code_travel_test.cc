// SPDX-License-Identifier: Apache-2.0
// A snapshot on its way to a host: a real link to a real agent, and its two ends alone.
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/code_receiver.h"
#include "runner/code_sender.h"
#include "runner/code_snapshot.h"
#include "runner/link.h"
#include "runner/mailbox.h"
#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace code_travel_test {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): seconds in tests

class CodeTravels : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("DDL_LEASE_DIR", (folder_ / "leases").c_str(), 1);
    fs::create_directories(folder_ / "work/lib");
    for (int i = 0; i < 20; ++i)
      Write("lib/" + std::to_string(i), std::string(static_cast<std::size_t>(i) * 1000, 'x'));
    Write("big", Noise(3'000'000));
    fs::create_symlink("lib/1", folder_ / "work/link");
    code_ = Take();
  }
  static std::string Noise(std::size_t size) {
    std::string noise(size, '\0');
    std::uint32_t state = 1;
    for (char& byte : noise) {
      state = state * 1664525 + 1013904223;
      byte = static_cast<char>(state >> 24U);
    }
    return noise;
  }
  void Write(const std::string& path, const std::string& text) const {
    std::ofstream(folder_ / "work/" + path) << text;
  }
  [[nodiscard]] std::string Take() const {
    return TakeCode({folder_ / "work", folder_ / "code", {}}).code;
  }
  [[nodiscard]] OfferCode Offer(const std::string& code) const {
    return {code, CodeTree::ManifestBytes(folder_ / "code", code)};
  }
  // Every file of the snapshot is the same there.
  void ExpectArrived(const std::string& code, const std::string& tree) const {
    const auto text = CodeTree::ReadManifest(folder_ / "code", code);
    ASSERT_TRUE(text);
    const std::string here = CodeTree::FolderOfTree(folder_ / "code", code);
    const CodeManifest manifest = ParseManifest(*text).value();
    for (const CodeEntry& entry : manifest.entries) {
      if (!entry.IsFile()) continue;
      EXPECT_EQ(ReadFile(tree + "/" + entry.path), ReadFile(here + "/" + entry.path)) << entry.path;
      EXPECT_TRUE(IsPlaced(tree + "/" + entry.path, entry)) << entry.path;
    }
    EXPECT_EQ(fs::read_symlink(tree + "/link"), "lib/1");
  }

  TemporaryFolder folder_;
  std::string code_;
};

// Both ends without a link between them: what the host says is heard at once.
class Ends : public CodeTravels {
 protected:
  // Moves at most `pieces`; true once the host has it or refuses it.
  bool Move(const std::string& code, int pieces = 1'000'000) {
    CodeSender sender(folder_ / "code");
    CodeReceiver receiver(folder_ / "host", [&](CodeNews news) {
      last_ = news;
      if (news.stage == CodeStage::kFiles) wanted_ = news;
      heard_.push_back(std::move(news));
    });
    sender.Offered(Offer(code));
    receiver.On(Offer(code));
    for (int i = 0; i < pieces; ++i) {
      for (const CodeNews& news : std::exchange(heard_, {}))
        sender.Heard(news, CodeSender::Clock::now());
      if (last_.stage == CodeStage::kReady || last_.stage == CodeStage::kRefused) return true;
      const auto piece = sender.Next(CodeSender::Clock::now());
      if (const auto problem = sender.TakeProblem()) last_ = *problem;
      if (piece) receiver.On(*piece);
    }
    return false;
  }

  std::vector<CodeNews> heard_;
  CodeNews last_;
  CodeNews wanted_;
};

TEST_F(Ends, BringAllOfASnapshotAcross) {
  ASSERT_TRUE(Move(code_));
  EXPECT_EQ(last_.stage, CodeStage::kReady) << last_.problem;
  EXPECT_EQ(wanted_.lacking.size(), 21U);
  ExpectArrived(code_, last_.folder);
}

TEST_F(Ends, BringOnlyWhatChanged) {
  ASSERT_TRUE(Move(code_));
  Write("lib/7", "changed");
  const std::string changed = Take();
  ASSERT_TRUE(Move(changed));
  EXPECT_EQ(last_.stage, CodeStage::kReady) << last_.problem;
  EXPECT_EQ(wanted_.lacking.size(), 1U);
  EXPECT_EQ(wanted_.all_bytes, 7U);
  ExpectArrived(changed, last_.folder);
  wanted_ = {};
  ASSERT_TRUE(Move(changed));
  EXPECT_THAT(wanted_.lacking, IsEmpty()) << "it is there already";
}

// Wherever it is cut: what came before is not sent again, down to the middle of a file.
TEST_F(Ends, GoOnWhereACutLeftThem) {
  for (const int pieces : {1, 3, 5, 20, 30, 45}) {
    RemoveTree(folder_ / "host");
    last_ = {.stage = CodeStage::kMoving};
    ASSERT_FALSE(Move(code_, pieces));
    const std::uint64_t arrived = last_.bytes;
    ASSERT_TRUE(Move(code_)) << pieces;
    EXPECT_EQ(last_.stage, CodeStage::kReady) << last_.problem;
    if (pieces > 5) {
      EXPECT_GE(wanted_.begun, arrived) << "the big file is the first";
    }
    ExpectArrived(code_, last_.folder);
  }
}

TEST_F(Ends, MendWhatWasDamagedThere) {
  ASSERT_TRUE(Move(code_));
  const std::string tree = last_.folder;
  fs::remove(tree + "/lib/3");
  fs::permissions(tree + "/big", fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(tree + "/big") << "spoiled";
  ASSERT_TRUE(Move(code_));
  EXPECT_EQ(wanted_.lacking.size(), 2U);
  ExpectArrived(code_, tree);
}

TEST_F(Ends, SayWhatIsDamagedHere) {
  const std::string file = CodeTree::FolderOfTree(folder_ / "code", code_) + "/lib/3";
  fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(file) << "spoiled";
  ASSERT_TRUE(Move(code_, 200));
  EXPECT_EQ(last_.stage, CodeStage::kRefused);
  EXPECT_THAT(last_.problem, HasSubstr("damaged or gone: lib/3"));
}

TEST_F(Ends, RefuseWhatIsNotWhatWasOffered) {
  std::vector<CodeNews> said;
  CodeReceiver receiver(folder_ / "host", [&](CodeNews news) { said.push_back(std::move(news)); });
  receiver.On(OfferCode{std::string(64, 'a'), 5});
  receiver.On(CodeBytes{"wrong"});
  EXPECT_THAT(said.back().problem, HasSubstr("is not what was offered"));
  receiver.On(OfferCode{"../../etc", 5});
  EXPECT_THAT(said.back().problem, HasSubstr("no snapshot's name"));
}

// A line that answers late is never filled further than it was when it answered soon.
TEST(CodeWindow, ShrinksWhereAnswersComeLate) {
  TemporaryFolder folder;
  fs::create_directories(folder / "work");
  std::ofstream(folder / "work/big") << std::string(8 << 20, 'x');
  const std::string code = TakeCode({folder / "work", folder / "code", {}}).code;
  CodeSender sender(folder / "code");
  sender.Offered({code, 1});
  CodeSender::Clock::time_point now{};
  sender.Heard({.code = code, .stage = CodeStage::kFiles, .lacking = {0}}, now);
  std::uint64_t sent = 0;
  const auto fill = [&] {
    const std::uint64_t before = sent;
    while (const auto piece = sender.Next(now))
      sent += piece->bytes.size();
    return sent - before;
  };
  const auto answer_after = [&](std::chrono::milliseconds delay) {
    now += delay;
    sender.Heard({.code = code, .stage = CodeStage::kMoving, .bytes = sent}, now);
  };
  const std::uint64_t first = fill();
  answer_after(1ms);
  EXPECT_GT(fill(), first);
  for (int i = 0; i < 5; ++i) {
    answer_after(2s);
    (void)fill();
  }
  answer_after(2s);
  EXPECT_LE(fill(), std::uint64_t{64} << 10U);
}

// A real agent on this machine, and whatever it says.
class OverALink : public CodeTravels {
 protected:
  void Connect() {
    link_.reset();
    link_ = MakeLocalLink({.agent_path = std::string(DDL_BINARY_DIR) + "/ddl-agent",
                           .host_folder = folder_ / "host",
                           .hello = {"0123456789abcdef", ++epoch_, false, "here:/store"},
                           .code_folder = folder_ / "code"},
                          [this](HostNews news) { mailbox_.Put(std::move(news)); });
  }
  template <class Message>
  Message Await(const std::function<bool(const Message&)>& fits) {
    const auto until = std::chrono::steady_clock::now() + 60s;
    while (std::chrono::steady_clock::now() < until) {
      for (HostNews& news : mailbox_.TakeAll(100ms))
        unread_.push_back(std::move(news));
      while (!unread_.empty()) {
        const HostNews news = std::move(unread_.front());
        unread_.erase(unread_.begin());
        const auto* message = std::get_if<FromHost>(&news.what);
        const auto* wanted = message == nullptr ? nullptr : std::get_if<Message>(message);
        if (wanted != nullptr && fits(*wanted)) return *wanted;
      }
    }
    ADD_FAILURE() << "nothing of that kind came";
    return {};
  }
  CodeNews AwaitEnd() {
    return Await<CodeNews>([](const CodeNews& news) {
      return news.stage == CodeStage::kReady || news.stage == CodeStage::kRefused;
    });
  }

  std::uint64_t epoch_ = 0;
  Mailbox<HostNews> mailbox_;
  std::vector<HostNews> unread_;
  std::unique_ptr<Link> link_;
};

TEST_F(OverALink, ComesAndCanBeRunIn) {
  Connect();
  const auto welcome = Await<Welcome>([](const Welcome&) { return true; });
  link_->Send(Offer(code_));
  const CodeNews ready = AwaitEnd();
  ASSERT_EQ(ready.stage, CodeStage::kReady) << ready.problem;
  EXPECT_EQ(ready.folder, welcome.facts.folder + "/code/" + code_ + "/tree");
  ExpectArrived(code_, ready.folder);
}

TEST_F(OverALink, OutlivesTheLinkThatBeganIt) {
  Write("big", Noise(64'000'000));
  const std::string code = Take();
  Connect();
  (void)Await<Welcome>([](const Welcome&) { return true; });
  link_->Send(Offer(code));
  const auto moving = Await<CodeNews>(
      [](const CodeNews& news) { return news.stage == CodeStage::kMoving && news.all_bytes > 0; });
  Connect();
  (void)Await<Welcome>([](const Welcome&) { return true; });
  link_->Send(Offer(code));
  const auto files =
      Await<CodeNews>([](const CodeNews& news) { return news.stage == CodeStage::kFiles; });
  EXPECT_GT(files.begun, 0U) << moving.bytes;
  const CodeNews ready = AwaitEnd();
  ASSERT_EQ(ready.stage, CodeStage::kReady) << ready.problem;
  ExpectArrived(code, ready.folder);
}

TEST_F(OverALink, HoldsUpNoHeartbeat) {
  Write("big", Noise(64'000'000));
  const std::string code = Take();
  Connect();
  (void)Await<Welcome>([](const Welcome&) { return true; });
  link_->Send(Offer(code));
  link_->Send(Heartbeat{77});
  // Comes while the code is still on its way: else the end would have been passed over.
  (void)Await<Heartbeat>([](const Heartbeat& beat) { return beat.count == 77; });
  EXPECT_EQ(AwaitEnd().stage, CodeStage::kReady);
}

}  // namespace code_travel_test
}  // namespace ddl
